# The vendor's AGENT takes the snapshot, or etcd's gateway, which sends it in pieces, each a line with base64 (etcd 3.5,
# api/etcdserverpb/gw, rpc.pb.gw.go). If the gateway is off, as in etcd 3.4 with a configuration file, etcdctl takes it.
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/etcd_tools.sh" %}
umask 077
safety=$STATE/$RUN/safety.db
[ ! -e "$safety" ] || exit 0
rm -f "$safety.part"
ask_gateway() { # CERT KEY
    fetch POST "$client_url/v3/maintenance/snapshot" "$address" "$client_ca" "$1" "$2" '{}' 2>/dev/null |
        grep -o '"blob":"[^"]*"' | cut -d '"' -f 4 | base64 -d >"$safety.part"
}
ask_etcdctl() {
    rm -f "$safety.part"
    set -- --endpoints "$client_url" ${client_ca:+--cacert "$client_ca" --cert "$peer_cert" --key "$peer_key"}
    for etcdctl in $(etcdctls "$member"); do
        ETCDCTL_API=3 "$etcdctl" "$@" snapshot save "$safety.part" && return
    done
}
if [ -n "$agent" ]; then
    "$agent" etcd backup --file "$safety.part" || exit 1
else
    fetch_s=1500
    ask_gateway "$client_cert" "$client_key"
    [ -s "$safety.part" ] || ask_gateway "$peer_cert" "$peer_key" # see ask_client
    [ -s "$safety.part" ] || ask_etcdctl
    [ -s "$safety.part" ] || { echo "the member at $client_url sends no snapshot"; exit 1; }
fi
# etcd ends a snapshot with the sha256 of all that precedes it (etcd 3.5, api/v3rpc/maintenance.go).
size=$(stat -c %s "$safety.part")
sum=$(head -c $((size - 32)) "$safety.part" | sha256sum)
trailer=$(tail -c 32 "$safety.part" | od -An -v -tx1 | tr -d ' \n')
if [ "${sum%% *}" != "$trailer" ]; then
    echo "the safety snapshot is damaged: its sha256 trailer does not fit"
    exit 1
fi
sync "$safety.part"
mv "$safety.part" "$safety"
sync "$STATE/$RUN"
