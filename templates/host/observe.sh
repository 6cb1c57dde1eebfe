# observe.sh STATE KUBLR MANIFESTS HOSTS UNIT...   Looks at one host, changes nothing.
{% include "host/facts.sh" %}
{% include "host/records.sh" %}
state=$1 kublr=$2 manifests=$3 hosts=$4
shift 4

date +%s.%N | fact clock_first
for tool in base64 cat cp curl date df docker du find flock getent grep head mv openssl setsid \
    sha256sum sleep stat sync systemctl systemd-run tail timeout touch truncate; do
    command -v "$tool" >/dev/null || echo "$tool"
done | fact missing_tools
[ ! -d /run/systemd/system ] || echo yes | fact systemd
grep -hs '^KillUserProcesses=' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf /etc/elogind/logind.conf |
    fact kill_user_processes
id -u | fact uid
uname -n | fact hostname
cat /proc/net/fib_trie 2>/dev/null | fact fib_trie
systemctl show --property=Id,LoadState,ActiveState,FragmentPath -- "$@" 2>/dev/null | fact units
for unit; do
    file=$(systemctl show --property=FragmentPath -- "$unit" 2>/dev/null)
    [ -z "${file#FragmentPath=}" ] || cat "${file#FragmentPath=}"
done 2>/dev/null | sha256sum | fact units_sha256
[ ! -e /sys/fs/selinux/enforce ] || fact selinux_enforces </sys/fs/selinux/enforce
near=$state # the nearest folder above the state folder that is there already
while [ ! -d "$near" ]; do near=${near%/*}; near=${near:-/}; done
df -P -k "$near" | tail -n 1 | fact state_disk
[ ! -e "$hosts" ] || fact hosts <"$hosts"
runs "$state"
date +%s.%N | fact clock_last

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
grep -os 'https\{0,1\}://[^:/", ]*' "$manifests/etcd.manifest" | while read -r url; do echo "${url#*//}"; done | sort -u |
    { # all at once: where no name server answers, each takes until its time is over
        while read -r name; do
            timeout 5 getent ahosts "$name" 2>/dev/null | while read -r address _; do echo "$name $address"; done | sort -u &
        done
        wait
    } | fact names
