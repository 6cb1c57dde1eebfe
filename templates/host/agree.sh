# agree.sh STATE RUN DATA MEMBER PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY
# What one member says of itself, to be compared with the others, and what lies on its disk. Changes nothing.
{% include "host/facts.sh" %}
{% include "host/fetch.sh" %}
state=$1 run=$2 data=$3 member=$4 peer_url=$5 client_url=$6 address=$7
shift 7
ask() { fetch GET "$peer_url/members/hashkv" "$address" "$1" "$2" "$3" "{\"revision\":$4}" 2>/dev/null; }
now=$(ask "$1" "$2" "$3" 0)
printf '%s' "$now" | fact hashkv_now
# Members that are written to are never asked at the same revision. The last round number below is the same for all.
newest=${now#*'"revision":'}
newest=${newest%%[!0-9]*}
if [ -n "$newest" ]; then
    ask "$1" "$2" "$3" "$((newest - newest % 100))" | fact hashkv
    fetch GET "$peer_url/members" "$address" "$1" "$2" "$3" 2>/dev/null | fact members
    fetch_s=2 # without a quorum a member is silent for several seconds: the next look asks again
    fetch_client GET "$client_url/health" "$address" "$4" "$5" "$6" "$2" "$3" | fact health
fi
find "$member" -type f -exec stat -c '%d %i %W %s %n' {} + 2>/dev/null | fact files
[ ! -e "$state/$run/returned" ] || fact returned <"$state/$run/returned"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
