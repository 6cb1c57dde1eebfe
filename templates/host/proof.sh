# proof.sh STATE RUN DATA MEMBER REVISION PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY
# What one member says of itself on its peer port, and what lies on its disk. Changes nothing.
{% include "host/facts.sh" %}
{% include "host/fetch.sh" %}
state=$1 run=$2 data=$3 member=$4 revision=$5 peer_url=$6 client_url=$7 address=$8
shift 8
fetch GET "$peer_url/members/hashkv" "$address" "$1" "$2" "$3" "{\"revision\":$revision}" 2>/dev/null | fact hashkv
# etcd refuses a revision as compacted where it is the compacted one, as on a quiet cluster; 0 means the newest.
fetch GET "$peer_url/members/hashkv" "$address" "$1" "$2" "$3" '{"revision":0}' 2>/dev/null | fact hashkv_now
fetch GET "$peer_url/members" "$address" "$1" "$2" "$3" 2>/dev/null | fact members
fetch GET "$client_url/health" "$address" "$4" "$5" "$6" 2>/dev/null | fact health
find "$member" -type f -exec stat -c '%d %i %W %s %n' {} + 2>/dev/null | fact files
fact kept <"$state/$run/kept"
for name in restore.db command; do [ ! -e "$data/$name" ] || echo "$name"; done | fact armed
