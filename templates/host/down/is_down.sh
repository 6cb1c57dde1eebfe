# Exits 0 if nothing uses this member's data or its addresses, and no process of the control plane is alive.
# values: [member] sockets units...
#   member    empty if the host has none
#   sockets   a pattern for /proc/net/tcp: ADDRESS:PORT|ADDRESS:PORT, in hex
# A unit's state proves little: containers may outlive their runtime. So this looks for etcd's own lock on its database, for
# listening sockets, and for processes.
{% include "host/lib/quiet.sh" %}
code=0
# Without the test, flock would create the file.
if [ -n "$member" ] && [ -e "$member/snap/db" ] && ! flock -n "$member/snap/db" true; then
    echo "an etcd still has $member/snap/db open"
    code=1
fi
[ -z "$member" ] || etcds_with "$member/snap/db" | grep -q . && { echo "an etcd is alive on $member"; code=1; }
quiet
{% include "host/lib/inactive_units.sh" %}
