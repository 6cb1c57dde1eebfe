# lease.sh NODE CLIENT_URL ADDRESS CA CERT KEY   Reads a Node and its Lease from etcd, as the API server stores them.
{% include "host/facts.sh" %}
{% include "host/fetch.sh" %}
for key in "leases/kube-node-lease/$1" "minions/$1"; do
    name=$(printf '/registry/%s' "$key" | base64 | tr -d '\n')
    fetch POST "$2/v3/kv/range" "$3" "$4" "$5" "$6" "{\"key\":\"$name\"}" 2>/dev/null | fact "${key%%/*}"
done
