# Waits until no etcd has this member's database open, and ends one that hangs.
# values: member seconds [ender]
#   seconds   until a second SIGTERM, at least the pod's whole grace; as long after that SIGKILL
#   ender     the unit that sends the first SIGTERM
{% include "host/lib/end_processes.sh" %}
own_etcd() { etcds_with "$member/snap/db"; }
end_processes own_etcd
