# observe.sh STATE KUBLR MANIFESTS HOSTS UNIT...   Looks at one host, changes nothing.
{% include "host/basics.sh" %}
state=$1 kublr=$2 manifests=$3 hosts=$4
shift 4
basics "$state" "$hosts" "$@"

[ -e "$manifests/etcd.manifest" ] || exit 0 # no master
fact manifest <"$manifests/etcd.manifest"
sha256sum <"$manifests/etcd.manifest" | fact manifest_sha256
{ # $unit is the last one by now, the runtime: asked only while it is up, for a question would start it
    grep -hs '"live-restore" *: *true' /etc/docker/daemon.json
    systemctl show --property=ExecStart -- "$unit" 2>/dev/null | grep -o -e --live-restore
    ! systemctl is-active --quiet -- "$unit" 2>/dev/null || timeout 10 docker info 2>/dev/null | grep 'Live Restore Enabled: true'
} | fact live_restore
timeout 20 "$kublr" validate 2>/dev/null | fact kublr_validate
api=$(grep -ls kube-apiserver "$manifests"/* | head -n 1)
[ -z "$api" ] || fact api_manifest <"$api"
grep -hos -e '--secure-port=[0-9]*' "$manifests"/* | head -n 1 | fact api_port
peer_names "$manifests/etcd.manifest"
