# Waits until no API server, controller-manager and scheduler is alive on this host, and ends those that hang.
# values: seconds [ender]
#   seconds   until a second SIGTERM; as long after that SIGKILL
#   ender     the unit that sends the first SIGTERM; empty if that is systemd itself
# An API server that has lost its etcd, or has open watches, hangs in its graceful end for up to a minute. A second SIGTERM
# ends it at once (k8s.io/apiserver, pkg/server/signal.go). None of the three has anything to lose.
{% include "host/lib/end_processes.sh" %}
end_processes control_plane
