# Part of backup.sh: prints as JSON what is true while a backup is taken: what `orchestrator backup` writes beside its own,
# except what only a reading of every page would give. What cannot be read is empty, or left out. Of keys it prints sums and
# names only.
# values: snapshot began known encryption shared...
# values: peer_url address peer_ca peer_cert peer_key
#   began    when the backup began
#   known    JSON that was known when this was written
#   shared   of each file that all masters must share its PATH, and that path as JSON
{% include "host/lib/ask_peer.sh" %}
{% include "host/lib/encryption_keys.sh" %}
encryption_names() { # FILE: `"PROVIDER NAME"` for each of its keys, with commas
    provider= comma=
    encryption_keys "$1" | while IFS=: read -r word key; do
        word=$(printf %s "$word" | tr -d ' -') key=$(printf %s "$key" | tr -d " \"'")
        case $word in
        name) shown="${provider:+$provider }$key" ;;
        *) shown=$word provider=$word ;;
        esac
        case $word in name | identity) printf '%s"%s"' "$comma" "$shown" && comma=, ;; esac
    done
}
sums() { # PATH JSON...: `JSON:"SHA256"` for each that can be read, with commas
    comma=
    while [ "$#" -gt 1 ]; do
        ! sum=$(sha256sum <"$1") || { printf '%s%s:"%s"' "$comma" "$2" "${sum%% *}" && comma=,; }
        shift 2
    done 2>/dev/null
}
version=$(ask_peer /version | grep -o '"etcdserver":"[0-9A-Za-z.+-]*"' | cut -d '"' -f 4)
id=$(ask_peer /members | grep -io '^x-etcd-cluster-id: *[0-9a-f]*' | cut -d ' ' -f 2)
whole=$(stat -c %s "$snapshot") && sum=$(sha256sum <"$snapshot") || exit 1
names=
[ ! -r "$encryption" ] || names=$(encryption_names "$encryption")
printf '{ %s, "taken_at_utc":"%s", "etcd_version":"%s", "cluster_id":"%s", "snapshot":{"size_bytes":%s, "sha256":"%s"}, ' \
    "$known" "$(date -u -d "@$began" +%Y-%m-%dT%H:%M:%SZ)" "$version" "$id" "$whole" "${sum%% *}" &&
    printf '"shared_files":{ %s }, "encryption_keys":[%s]}\n' "$(sums "$@")" "$names"
