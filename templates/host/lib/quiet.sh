{% include "host/lib/processes.sh" %}
# quiet: sets code=1 and says why, unless the control plane has ended on this host
quiet() {
    if open=$(grep -hE "^ *[0-9]+: ($sockets) [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null); then
        echo "$open" | while read -r _ local _; do echo "port $((0x${local##*:})) still listens"; done | sort -u
        code=1
    fi
    alive=$(control_plane | while read -r pid _ name; do echo "$name (pid $pid) is alive"; done)
    [ -z "$alive" ] || { echo "$alive"; code=1; }
}
