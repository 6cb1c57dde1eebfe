# Reads a Node and its Lease from etcd, where the API server stores them.
# values: node client_url address client_ca client_cert client_key peer_cert peer_key
{% include "host/lib/facts.sh" %}
{% include "host/lib/ask_client.sh" %}
object() { # KEY: etcd's answer for that key below /registry/
    name=$(printf '/registry/%s' "$1" | base64 | tr -d '\n')
    ask_client POST /v3/kv/range "{\"key\":\"$name\"}"
}
object "leases/kube-node-lease/$node" | fact leases
object "minions/$node" | fact minions
