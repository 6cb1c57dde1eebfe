# Removes the hold file: the units may start again.
# values: [undone]
#   undone   the run whose hold it is, if this run undoes it
{% include "host/lib/lift.sh" %}
