# Moves the manifests of API server, controller-manager and scheduler out of kubelet's sight, so that they end.
# values: manifests aside files...
#   aside   where they go: a folder beside kubelet's own
{% include "host/lib/withdraw.sh" %}
