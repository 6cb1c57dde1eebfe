# Gives the host back. The run's folder stays: it holds the list of the old data, and the evidence.
{% include "host/lib/release.sh" %}
