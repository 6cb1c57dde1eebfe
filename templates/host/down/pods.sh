# Moves etcd's manifest out of kubelet's sight, so that etcd ends.
# values: manifests aside files...
#   aside   where they go: a folder beside kubelet's own
{% include "host/lib/withdraw.sh" %}
