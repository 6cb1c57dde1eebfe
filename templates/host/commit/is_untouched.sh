# Exits 0 if the old data is in its place, and nothing is scheduled for the next start.
# values: data kept
[ ! -e "$kept" ] || { echo "the old data is in $kept"; exit 1; }
{% include "host/lib/nothing_scheduled.sh" %}
