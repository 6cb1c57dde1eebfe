# Moves the API server's manifest back, so that kubelet starts it.
# values: manifests aside kubelet files...
#   kubelet   its unit: where etcd is no pod, nothing has started it yet
{% include "host/lib/move_manifests_back.sh" %}
systemctl start --no-block -- "$kubelet"
