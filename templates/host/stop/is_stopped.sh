# Exits 0 if nothing uses this member's data or its addresses.
# values: [member] sockets units...
#   member    empty if the host has none
#   sockets   a pattern for /proc/net/tcp: ADDRESS:PORT|ADDRESS:PORT, in hex
# A unit's state proves little: containers may outlive their runtime. So this looks for etcd's own lock on its database and
# for listening sockets.
code=0
# Without the test, flock would create the file.
if [ -n "$member" ] && [ -e "$member/snap/db" ] && ! flock -n "$member/snap/db" true; then
    echo "an etcd still has $member/snap/db open"
    code=1
fi
if open=$(grep -hE "^ *[0-9]+: ($sockets) [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null); then
    echo "$open" | while read -r _ local _; do echo "port $((0x${local##*:})) still listens"; done | sort -u
    code=1
fi
{% include "host/lib/inactive_units.sh" %}
