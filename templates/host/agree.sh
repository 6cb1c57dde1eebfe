# agree.sh STATE RUN DATA MEMBER PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY
# What one member says of itself, to be compared with the others, and what lies on its disk. Changes nothing.
{% include "host/facts.sh" %}
{% include "host/hashkv.sh" %}
{% include "host/stated.sh" %}
state=$1 run=$2 data=$3 member=$4 peer_url=$5 client_url=$6 address=$7 peer_ca=$8 peer_cert=$9
shift 9
peer_key=$1
now=$(hashkv 0)
printf '%s' "$now" | fact hashkv_now
if [ -n "$now" ]; then
    hashkv_round "$now"
    fetch GET "$peer_url/members" "$address" "$peer_ca" "$peer_cert" "$peer_key" 2>/dev/null | fact members
    fetch_s=2 # without a quorum a member is silent for several seconds: the next look asks again
    fetch_client GET "$client_url/health" "$address" "$2" "$3" "$4" "$peer_cert" "$peer_key" | fact health
fi
stated '%d %i %W %s %n' "$member" 2>/dev/null | fact files
[ ! -e "$state/$run/returned" ] || fact returned <"$state/$run/returned"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
