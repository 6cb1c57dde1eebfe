# Takes the snapshot of a backup.
# values: [agent] [member] [client_url] [address] [client_ca] [client_cert] [client_key] [peer_cert] [peer_key]
#   RUN/safety.db   the snapshot
{% include "host/lib/take_snapshot.sh" %}
