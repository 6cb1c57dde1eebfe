# Removes this run's lines from the hosts file.
# values: hosts [undone]
#   undone   the run whose lines they are, if this run undoes it
run=${undone:-$RUN} lines=
{% include "host/lib/hosts_block.sh" %}
