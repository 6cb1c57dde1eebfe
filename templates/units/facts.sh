# Part of backup.sh: prints, as JSON, what is true while a backup is taken: what `orchestrator backup` writes beside its own, but
# for what only reading every page would tell. What cannot be had is empty, or left out. Of keys it has sums and names alone.
# Arguments: SNAPSHOT, when it was begun, what was known when this was written, PEER_URL ADDRESS CA CERT KEY of the member here,
# the ENCRYPTION configuration, and of each file that all masters must share its PATH, and that as JSON.
{% include "host/fetch.sh" %}
{% include "host/encryption.sh" %}
encryption_names() { # FILE: of its keys, `"PROVIDER NAME"`, with commas
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
sums() { # PATH JSON...: `JSON:"SHA256"` of those that can be read, with commas
    comma=
    while [ "$#" -gt 1 ]; do
        ! sum=$(sha256sum <"$1") || { printf '%s%s:"%s"' "$comma" "$2" "${sum%% *}" && comma=,; }
        shift 2
    done 2>/dev/null
}
snapshot=$1 at=$2 known=$3 encryption=$9
version=$(fetch GET "$4/version" "$5" "$6" "$7" "$8" 2>/dev/null | grep -o '"etcdserver":"[0-9A-Za-z.+-]*"' | cut -d '"' -f 4)
id=$(fetch GET "$4/members" "$5" "$6" "$7" "$8" 2>/dev/null | grep -io '^x-etcd-cluster-id: *[0-9a-f]*' | cut -d ' ' -f 2)
shift 9
whole=$(stat -c %s "$snapshot") && sum=$(sha256sum <"$snapshot") || exit 1
names=
[ ! -r "$encryption" ] || names=$(encryption_names "$encryption")
printf '{ %s, "taken_at_utc":"%s", "etcd_version":"%s", "cluster_id":"%s", "snapshot":{"size_bytes":%s, "sha256":"%s"}, ' \
    "$known" "$(date -u -d "@$at" +%Y-%m-%dT%H:%M:%SZ)" "$version" "$id" "$whole" "${sum%% *}" &&
    printf '"shared_files":{ %s }, "encryption_keys":[%s]}\n' "$(sums "$@")" "$names"
