# Copies the snapshot into the run's folder again.
# values: source path sha256
{% include "host/lib/copy_snapshot.sh" %}
