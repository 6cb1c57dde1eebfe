# Takes a snapshot from a member that still serves, before anything is stopped.
# values: [agent] [member] [client_url] [address] [client_ca] [client_cert] [client_key] [peer_cert] [peer_key]
#   RUN/safety.db   the snapshot
{% include "host/lib/take_snapshot.sh" %}
