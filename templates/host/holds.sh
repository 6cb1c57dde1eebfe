# holds.sh REVISION CLIENT_URL PEER_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY   What a member says it holds.
# Its id and alarms, its hash and the number of its keys at REVISION and now; from its own store. Changes nothing.
{% include "host/facts.sh" %}
{% include "host/hashkv.sh" %}
revision=$1 client_url=$2 peer_url=$3 address=$4 peer_ca=$5 peer_cert=$6 peer_key=$7 client_ca=$8 client_cert=$9
shift 9
client_key=$1
ask() { fetch_client POST "$client_url/v3/$1" "$address" "$client_ca" "$client_cert" "$client_key" "$peer_cert" "$peer_key" "$2"; }
# From the first to the end of all keys, each of which etcd writes as one zero byte.
keys() { ask kv/range "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"count_only\":true,\"serializable\":true,\"revision\":$1}"; }
ask maintenance/status '{}' | fact status
at=$(hashkv "$revision")
printf %s "$at" | fact hashkv
case $at in
*'"hash":'*) ;;
*) hashkv 0 | fact hashkv_now ;; # refused as compacted: the newest tells at least where that was
esac
keys "$revision" | fact keys_then
keys 0 | fact keys_now
