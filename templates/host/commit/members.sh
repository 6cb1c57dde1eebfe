# Makes the cluster forget one member, NAME at PEER_URL, and add it again: as a new member, with a new id, not started yet.
# values: name peer_url client_url address client_ca client_cert client_key peer_cert peer_key member
#   client_url    and what follows: of this host's member, which is asked; MEMBER is its folder
#   RUN/members   it is done: from then on the new member may have started, and must not be removed again
# It asks etcd's gateway; if that is off, it runs etcdctl, of the host or of etcd's container. Both list members as JSON
# with decimal ids.
{% include "host/lib/act.sh" %}
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/etcd_tools.sh" %}
done=$STATE/$RUN/members
[ ! -e "$done" ] || exit 0

gateway() { # VERB BODY: the answer to a request about members; nothing if the gateway is off
    ask_client POST "/v3/cluster/member/$1" "$2" | grep -e '"header"' -e '"error"'
}
by_etcdctl() {
    ETCDCTL_API=3 "$etcdctl" --endpoints "$client_url" ${client_ca:+--cacert "$client_ca" --cert "$peer_cert" --key "$peer_key"} "$@" 2>&1
}
etcdctl=
case $(gateway list '{}') in
*'"members"'*) ;;
*)
    etcdctl=$(etcdctls "$member" | head -n 1)
    [ -n "$etcdctl" ] || {
        echo "the member at $client_url has its gateway off, and there is no etcdctl on the host or in its container"
        exit 1
    }
    ;;
esac

list_members() { # ID NAME PEER_URL of every member; `-` for the name of one that has not started
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
    before=$(list_members)
    [ -n "$before" ] || { echo "the member at $client_url does not list its members"; exit 1; }
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
    [ "$left" -gt 0 ] || { echo "the others do not add it: $said"; exit 1; }
    sleep 1
done
echo "$before"
echo "done" >"$done.part" && publish "$done"
