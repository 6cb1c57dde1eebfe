# save.sh CLIENT_URL ADDRESS CA CERT KEY PEER_CERT PEER_KEY MEMBER   A snapshot of what still answers, before anything is stopped.
# From etcd's gateway, which sends it in pieces, each a line with base64 (etcd 3.5, api/etcdserverpb/gw, rpc.pb.gw.go): so no
# etcdctl is needed, on the host or in a container. Where the gateway is off, as in etcd 3.4 beside a configuration file, the
# host's etcdctl does it, or that of etcd's container.
{% include "host/fetch.sh" %}
{% include "host/tools.sh" %}
umask 077
safety=$STATE/$RUN/safety.db
[ ! -e "$safety" ] || exit 0
rm -f "$safety.part"
pieces() { grep -o '"blob":"[^"]*"' | cut -d '"' -f 4 | base64 -d; }
fetch_s=1500
ask() { fetch POST "$1/v3/maintenance/snapshot" "$2" "$3" "$4" "$5" '{}' 2>/dev/null | pieces >"$safety.part"; }
ask "$1" "$2" "$3" "$4" "$5"
[ -s "$safety.part" ] || ask "$1" "$2" "$3" "$6" "$7" # a server's certificate need not be fit for a client, the peers' is
by_etcdctl() {
    pid=$(etcd_pid "$8") && exe=$(readlink "/proc/$pid/exe")
    for tool in $(command -v etcdctl) /usr/local/bin/etcdctl "/proc/${pid:-self}/root${exe%/*}/etcdctl"; do
        tool_version "$tool" >/dev/null || continue
        ETCDCTL_API=3 "$tool" --endpoints "$1" ${3:+--cacert "$3" --cert "$6" --key "$7"} snapshot save "$safety.part" && return
    done
    return 1
}
[ -s "$safety.part" ] || { rm -f "$safety.part" && by_etcdctl "$@"; }
[ -s "$safety.part" ] || { echo "the member at $1 sends no snapshot"; exit 1; }
{% include "host/trailer.sh" %}
