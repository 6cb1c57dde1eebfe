# schedule.sh KUBLR SNAPSHOT MEMBER DATA SHA256   Has the vendor's agent schedule the restore for the next pod start.
# Vendor's page, "Aided restoration of a snapshot". It is destructive from the next start on: never a dry run.
kublr=$1 snapshot=$2 member=$3 data=$4 sha256=$5
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
if [ -e "$data/restore.db" ]; then
    sum=$(sha256sum <"$data/restore.db")
    [ "${sum%% *}" != "$sha256" ] || exit 0
    mv "$data/restore.db" "$data/restore.db.kr-$RUN-$ATTEMPT" # half-made, by an act that died, or not ours: kept
fi
"$kublr" etcd restore --file "$snapshot" || exit 1 # same.sh, at the barrier, waits until it is on the disk
