# lease.sh NODE CLIENT_URL ADDRESS CA CERT KEY PEER_CERT PEER_KEY   Reads a Node and its Lease from etcd, where the API
# server stores them.
{% include "host/facts.sh" %}
{% include "host/fetch.sh" %}
for key in "leases/kube-node-lease/$1" "minions/$1"; do
    name=$(printf '/registry/%s' "$key" | base64 | tr -d '\n')
    fetch_client POST "$2/v3/kv/range" "$3" "$4" "$5" "$6" "$7" "$8" "{\"key\":\"$name\"}" | fact "${key%%/*}"
done
