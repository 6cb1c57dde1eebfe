# Adds the peers' names to the hosts file.
# values: hosts lines
run=$RUN
{% include "host/lib/hosts_block.sh" %}
