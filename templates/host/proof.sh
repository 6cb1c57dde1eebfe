# proof.sh STATE RUN DATA MEMBER REVISION PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY
# What one member says of itself on its peer port, and what lies on its disk. Changes nothing. CLIENT_URL is empty
# where the health is not wanted: the first members to come up have no quorum yet.
{% include "host/facts.sh" %}
{% include "host/hashkv.sh" %}
{% include "host/stated.sh" %}
state=$1 run=$2 data=$3 member=$4 revision=$5 peer_url=$6 client_url=$7 address=$8 peer_ca=$9
shift 9
peer_cert=$1 peer_key=$2
# Once it is started, its first answer is waited for here: a new login every few moments would cost the host more.
give_up=0
[ ! -e "$state/$run/steps/start.services" ] || give_up=$(($(date +%s) + 5))
until at=$(hashkv "$revision"); [ -n "$at" ] || [ "$(date +%s)" -ge "$give_up" ]; do sleep 0.3; done
now=$at
printf %s "$at" | fact hashkv
case $at in
'' | *'"hash":'*) ;; # not asked twice: a hash costs the member a second or more for each GB
*)
    # etcd refuses a revision as compacted where it is the compacted one, as on a quiet cluster; 0 means the newest.
    now=$(hashkv 0)
    hashkv_round "$now"
    ;;
esac
printf %s "$now" | fact hashkv_now
if [ -n "$at" ]; then
    fetch GET "$peer_url/members" "$address" "$peer_ca" "$peer_cert" "$peer_key" 2>/dev/null | fact members
    fetch_s=2 # without a quorum a member is silent for several seconds: the next look asks again
    [ -z "$client_url" ] || fetch_client GET "$client_url/health" "$address" "$3" "$4" "$5" "$peer_cert" "$peer_key" | fact health
fi
stated '%d %i %W %s %n' "$member" 2>/dev/null | fact files
fact kept <"$state/$run/kept"
[ ! -e "$state/$run/witnessed" ] || fact witnessed <"$state/$run/witnessed"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
