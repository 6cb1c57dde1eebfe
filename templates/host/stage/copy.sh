# Copies the snapshot, which is already on this host, into the run's folder: whole and with the right sha256, or not at all.
# values: source path sha256
{% include "host/lib/copy_snapshot.sh" %}
