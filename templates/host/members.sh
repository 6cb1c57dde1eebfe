# members.sh NAME PEER_URL CLIENT_URL ADDRESS CA CERT KEY PEER_CERT PEER_KEY MEMBER   Has the cluster of this host's member forget
# another one, NAME at PEER_URL, and take it in anew: a new member, with a new id, that has not started yet.
# By etcd's gateway; where that is off, by the host's etcdctl, or that of etcd's container. Both list members as JSON with
# decimal ids.
#   RUN/members   that it is done: from then on the new member may have started, and is not to be removed again
{% include "host/fetch.sh" %}
{% include "host/tools.sh" %}
name=$1 peer_url=$2 client_url=$3 address=$4 ca=$5 cert=$6 key=$7 peer_cert=$8 peer_key=$9
shift 9
member=$1 done=$STATE/$RUN/members
[ ! -e "$done" ] || exit 0

gateway() { # the answer to a question about members; nothing where the gateway is off
    fetch_client POST "$client_url/v3/cluster/member/$1" "$address" "$ca" "$cert" "$key" "$peer_cert" "$peer_key" "$2" |
        grep -e '"header"' -e '"error"'
}
find_etcdctl() {
    pid=$(etcd_pid "$member") && exe=$(readlink "/proc/$pid/exe")
    for tool in $(command -v etcdctl) /usr/local/bin/etcdctl "/proc/${pid:-self}/root${exe%/*}/etcdctl"; do
        tool_version "$tool" >/dev/null && etcdctl=$tool && return
    done
    echo "the member at $client_url has its gateway off, and there is no etcdctl on the host or in its container"
    return 1
}
by_etcdctl() {
    ETCDCTL_API=3 "$etcdctl" --endpoints "$client_url" ${ca:+--cacert "$ca" --cert "$peer_cert" --key "$peer_key"} "$@" 2>&1
}
etcdctl=
case $(gateway list '{}') in *'"members"'*) ;; *) find_etcdctl || exit 1 ;; esac

listed() { # ID NAME PEER_URL of every member; a new one has no name yet, shown as `-`
    if [ -z "$etcdctl" ]; then gateway list '{}'; else by_etcdctl member list --write-out json; fi | tr '{' '\n' | grep peerURLs |
        while read -r line; do
            id=${line#*'"ID":'} id=${id#\"} called=${line#*'"name":"'} url=${line#*'"peerURLs":["'}
            [ "$called" != "$line" ] || called=-
            echo "${id%%[!0-9]*} ${called%%\"*} ${url%%\"*}"
        done
}
remove() {
    if [ -z "$etcdctl" ]; then gateway remove "{\"ID\":\"$1\"}"; else by_etcdctl member remove "$(printf %x "$1")"; fi
}
add() {
    if [ -z "$etcdctl" ]; then gateway add "{\"peerURLs\":[\"$peer_url\"]}"; else by_etcdctl member add "$name" --peer-urls "$peer_url"; fi
}
said=
left=30 # etcd adds a member only when the others have been connected for 5 s (etcd 3.5, server/etcdserver/server.go)
while :; do
    before=$(listed)
    [ -n "$before" ] || { echo "the member at $client_url does not say who is a member"; exit 1; }
    old=$(echo "$before" | while read -r id called url; do
        [ "$called" != - ] && { [ "$called" = "$name" ] || [ "$url" = "$peer_url" ]; } && echo "$id"
    done)
    for id in $old; do said=$(remove "$id"); done
    if [ -z "$old" ]; then
        case "$before
" in *" - $peer_url
"*) break ;; esac
        said=$(add)
    fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || { echo "the others do not take it in: $said"; exit 1; }
    sleep 1
done
echo "$before"
echo done >"$done.part" && sync "$done.part" && mv "$done.part" "$done" && sync "$STATE/$RUN"
