# Makes the vendor's agent schedule the restore for the next pod start.
# values: agent snapshot member data sha256
# Vendor's page, "Aided restoration of a snapshot". It is destructive from the next start on: never a dry run.
{% include "host/lib/act.sh" %}
refuse_unless_held
refuse_if_etcd_runs "$member"
if [ -e "$data/restore.db" ]; then
    sum=$(sha256sum <"$data/restore.db")
    [ "${sum%% *}" != "$sha256" ] || exit 0
    mv "$data/restore.db" "$data/restore.db.kr-$RUN-$ATTEMPT" # half-written by an act that died, or not ours: kept
fi
"$agent" etcd restore --file "$snapshot" || exit 1 # the barrier waits until it is on the disk
