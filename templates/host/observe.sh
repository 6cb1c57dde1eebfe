# observe.sh STATE KUBLR MANIFESTS ETCD HOSTS UNIT...   Looks at one host of static pods, changes nothing. ETCD is the file of
# etcd's pod in the folder MANIFESTS; KUBLR, the agent's program, is empty where there is none.
{% include "host/basics.sh" %}
state=$1 kublr=$2 manifests=$3 etcd=$3/$4 hosts=$5
shift 5
basics "$state" "$hosts" "$@"

for withdrawn in "$manifests".kr-*/"${etcd##*/}"; do # by a run that is open
    [ -e "$etcd" ] || [ ! -e "$withdrawn" ] || etcd=$withdrawn
done
[ -e "$etcd" ] || exit 0 # no master
fact manifest <"$etcd"
sha256sum <"$etcd" | fact manifest_sha256
grep -ls -e '--data-dir' -e 'ETCD_DATA_DIR' -e '--etcd-servers' "$manifests"/* | fact pods
[ -z "$kublr" ] || { # $unit is the last one by now, the runtime: asked only while it is up, for a question would start it
    grep -hs '"live-restore" *: *true' /etc/docker/daemon.json
    systemctl show --property=ExecStart -- "$unit" 2>/dev/null | grep -o -e --live-restore
    ! systemctl is-active --quiet -- "$unit" 2>/dev/null || timeout 10 docker info 2>/dev/null | grep 'Live Restore Enabled: true'
} | fact live_restore
[ -z "$kublr" ] || timeout 20 "$kublr" validate 2>/dev/null | fact kublr_validate
api=$(grep -ls kube-apiserver "$manifests"/* "$manifests".kr-*/* | head -n 1)
[ -z "$api" ] || fact api_manifest <"$api"
grep -hos -e '--secure-port=[0-9]*' "${api:-/dev/null}" | head -n 1 | fact api_port
peer_names "$etcd"
