# Exits 0 if none of the units runs.
# values: units...
code=0
{% include "host/lib/inactive_units.sh" %}
