# Lets the leader stop last.
# values: port client_url address client_ca client_cert client_key peer_cert peer_key
#   port   the peer port
# A leader that is told to stop offers its place to the member it has been connected to the longest, and waits 5 s and
# two election timeouts for an answer (etcd 3.5, server/etcdserver/server.go, TransferLeadership); if that member is
# stopping too, the wait is in vain. Without a connected peer the leader offers nothing. So it waits here, for 15 s at
# most, until the others have disconnected.
{% include "host/lib/ask_client.sh" %}
fetch_s=2
id() { # NAME: the id that the status gives under that name
    case $status in *"\"$1\":\""*) id=${status#*"\"$1\":\""} && echo "${id%%\"*}" ;; esac
}
status=$(ask_client POST /v3/maintenance/status '{}')
leader=$(id leader)
[ -n "$leader" ] && [ "$leader" = "$(id member_id)" ] || exit 0
connected="^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$port") [0-9A-F]+:[0-9A-F]+ 01 " # at any address of this host
left=75
while [ "$left" -gt 0 ] && grep -qhE "$connected" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
    left=$((left - 1))
    sleep 0.2
done
