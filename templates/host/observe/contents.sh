# What a member holds by its own account: its id and alarms, its hash and the number of its keys at REVISION and now; from
# its own store. Changes nothing.
# values: revision
# values: client_url peer_url address peer_ca peer_cert peer_key client_ca client_cert client_key
{% include "host/lib/facts.sh" %}
{% include "host/lib/hashkv.sh" %}
{% include "host/lib/ask_client.sh" %}
# From the first to the end of all keys, each of which etcd writes as one zero byte.
keys() {
    ask_client POST /v3/kv/range \
        "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"count_only\":true,\"serializable\":true,\"revision\":$1}"
}
ask_client POST /v3/maintenance/status '{}' | fact status
at=$(hashkv "$revision")
printf %s "$at" | fact hashkv
case $at in
*'"hash":'*) ;;
*) hashkv 0 | fact hashkv_now ;; # refused as compacted: the newest shows at least which revision was compacted
esac
keys "$revision" | fact keys_then
keys 0 | fact keys_now
