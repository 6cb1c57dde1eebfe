{% include "host/lib/facts.sh" %}
{% include "host/lib/run_facts.sh" %}
# host_facts UNIT...: facts of a host, whatever runs etcd on it; about STATE and HOSTS, too
host_facts() {
    told clock_first && date +%s.%N
    told missing_tools
    for tool in base64 cat cp curl date df docker du find flock getent grep head mv openssl setsid \
        sha256sum sleep stat sync systemctl systemd-run tail timeout touch truncate; do
        command -v "$tool" >/dev/null || echo "$tool"
    done
    told systemd
    [ ! -d /run/systemd/system ] || echo yes
    told kill_user_processes
    grep -hs '^KillUserProcesses=' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf /etc/elogind/logind.conf
    told hostname && read -r name </proc/sys/kernel/hostname && echo "$name"
    told fib_trie && cat /proc/net/fib_trie 2>/dev/null
    units=$(systemctl show --property=Id,LoadState,ActiveState,FragmentPath -- "$@" 2>/dev/null)
    told units && echo "$units"
    told units_sha256
    echo "$units" | while IFS= read -r line; do
        case $line in FragmentPath=/*) cat "${line#FragmentPath=}" 2>/dev/null ;; esac
    done | sha256sum
    told
    [ ! -e /sys/fs/selinux/enforce ] || fact selinux_enforces </sys/fs/selinux/enforce
    near=$state # the nearest folder above the state folder that exists
    while [ ! -d "$near" ]; do near=${near%/*}; near=${near:-/}; done
    told state_disk
    df -P -k "$near"
    told
    [ ! -e "$hosts" ] || fact hosts <"$hosts"
    grep -hE '^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r _ local _; do echo "$((0x${local##*:}))"; done | sort -un | fact listens
    run_facts "$state"
    told clock_last && date +%s.%N
    told
}
# peer_names TEXT_FILE: the addresses of the names in its URLs
peer_names() {
    grep -os 'https\{0,1\}://[^:/", ]*' "$1" | while read -r url; do echo "${url#*//}"; done | sort -u |
        { # all at once: if no name server answers, each takes until its timeout
            while read -r name; do
                timeout 5 getent ahosts "$name" 2>/dev/null | while read -r address _; do echo "$name $address"; done | sort -u &
            done
            wait
        } | fact names
}
