# last.sh PORT URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY   Lets the leader stop last.
# A leader that is told to stop offers its place to the member it has been connected to the longest, and waits 5 s and
# two election timeouts for an answer (etcd 3.5 server/etcdserver/server.go, TransferLeadership): in vain where that one
# is stopping as well. Nobody is offered anything once no peer is connected. So a leader waits here for the others to let
# go of it, 15 s at most. PORT is its peer port.
{% include "host/fetch.sh" %}
port=$1 url=$2 address=$3 peer_ca=$4 peer_cert=$5 peer_key=$6 client_ca=$7 client_cert=$8 client_key=$9
fetch_s=2
# id NAME: what the status says under that name
id() { case $status in *"\"$1\":\""*) id=${status#*"\"$1\":\""} && echo "${id%%\"*}" ;; esac; }
status=$(fetch_client POST "$url/v3/maintenance/status" "$address" "$client_ca" "$client_cert" "$client_key" \
    "$peer_cert" "$peer_key" '{}')
leader=$(id leader)
[ -n "$leader" ] && [ "$leader" = "$(id member_id)" ] || exit 0
connected="^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$port") [0-9A-F]+:[0-9A-F]+ 01 " # at whatever address of this host
left=75
while [ "$left" -gt 0 ] && grep -qhE "$connected" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
    left=$((left - 1))
    sleep 0.2
done
