# keys.sh CLIENT_URL ADDRESS CA CERT KEY PEER_CERT PEER_KEY FIRST LIMIT REVISION   Reads live keys and their revisions.
# At most LIMIT keys from FIRST (base64) on, at a REVISION, 0 for the newest; never a value. The member answers from its
# own store, so that none but itself is needed. Changes nothing.
{% include "host/fetch.sh" %}
squeeze() { if command -v gzip >/dev/null; then gzip -c; else cat; fi; }
fetch_s=30
# From FIRST to the end of all keys, which etcd writes as one zero byte.
fetch_client POST "$1/v3/kv/range" "$2" "$3" "$4" "$5" "$6" "$7" \
    "{\"key\":\"$8\",\"range_end\":\"AA==\",\"limit\":$9,\"revision\":${10},\"keys_only\":true,\"serializable\":true}" | squeeze
