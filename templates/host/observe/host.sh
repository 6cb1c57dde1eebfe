# Looks at one host: the machine, and how etcd and the API server are installed there. Changes nothing.
# values: state hosts [manifests] [etcd_file] [agent] [api_pods] [etcd_unit] [api_unit] units...
#   etcd_file             the file of etcd's pod in the folder MANIFESTS, if etcd is a static pod
#   agent                 the vendor's agent in that pod, if there is one
#   api_pods              not empty if the API server is a static pod
#   etcd_unit, api_unit   their names, if they are units
{% include "host/lib/host_facts.sh" %}
{% include "host/lib/pod_facts.sh" %}
{% include "host/lib/unit_facts.sh" %}
host_facts "$@"
[ -z "$etcd_file" ] || etcd_pod "$@"
[ -z "$api_pods" ] || api_pod
[ -z "$api_unit" ] || unit_facts api "$api_unit"
[ -z "$etcd_unit" ] || etcd_unit
