# Reads live keys and their revisions, never a value. Changes nothing.
# values: client_url address client_ca client_cert client_key peer_cert peer_key first limit revision
#   first      base64 of the first key
#   limit      how many keys at most
#   revision   at which; 0 is the newest
# The member answers from its own store, so no other member is needed.
{% include "host/lib/ask_client.sh" %}
squeeze() { if command -v gzip >/dev/null; then gzip -c; else cat; fi; }
fetch_s=30
# From FIRST to the end of all keys, which etcd writes as one zero byte.
ask_client POST /v3/kv/range \
    "{\"key\":\"$first\",\"range_end\":\"AA==\",\"limit\":$limit,\"revision\":$revision,\"keys_only\":true,\"serializable\":true}" |
    squeeze
