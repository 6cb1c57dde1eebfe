# Exits 0 if no API server, controller-manager and scheduler is alive on this host, or the run has started it since.
# values: sockets [lifts]
#   sockets   a pattern for /proc/net/tcp: ADDRESS:PORT|ADDRESS:PORT, in hex
#   lifts     the folder of the step that lifts the hold; empty if it does not count
# A closed port proves little: an API server closes it first, and lives on for up to a minute with its old cache.
{% include "host/lib/lifted.sh" %}
{% include "host/lib/quiet.sh" %}
code=0
quiet
exit $code
