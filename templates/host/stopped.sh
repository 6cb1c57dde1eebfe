# stopped.sh MEMBER SOCKETS UNIT...   Exits 0 where nothing uses this member's data or its addresses. MEMBER is empty
# where there is none.
# A unit's state proves little: containers may outlive their runtime. What counts is etcd's own lock on its
# database and the listening sockets. SOCKETS is a pattern for /proc/net/tcp: ADDRESS:PORT|ADDRESS:PORT, in hex.
member=$1 sockets=$2
shift 2
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
for unit; do
    now=$(systemctl show --property=ActiveState -- "$unit")
    case $now in *=inactive | *=failed) ;; *) echo "$unit is ${now#*=}"; code=1 ;; esac
done
exit $code
