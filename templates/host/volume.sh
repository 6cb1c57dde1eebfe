# volume.sh DATA STATE PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY PREFIX ENCRYPTION MEMBER WAL IMAGE SHARED...
# Looks at one master's data volume and at what makes it one of the cluster, and asks its member, if one answers.
# PREFIX is that of the API server's keys. ENCRYPTION, the configuration of encryption at rest, may be empty, as may WAL, a
# log that lies apart, and IMAGE, that of etcd's pod; SHARED are files that all masters must share.
# Changes nothing.
{% include "host/facts.sh" %}
{% include "host/trust.sh" %}
{% include "host/encryption.sh" %}
{% include "host/fetch.sh" %}
{% include "host/tools.sh" %}
data=$1 state=$2 peer_url=$3 client_url=$4 address=$5

if [ -d "$data" ]; then
    df -P -k "$data" | tail -n 1 | fact data_disk
    df -P -i "$data" | tail -n 1 | fact data_inodes
    stat -c '%d %u:%g %a' "$data" | fact data_stat
    # Nothing can be renamed out of a volume that is mounted by itself, even from another folder of the same disk.
    cut -d ' ' -f 5 /proc/self/mountinfo | grep -qxF "$(readlink -f "$data")" ||
        stat -c '%d' "${data%/*}" | fact parent_device
    for found in "$data"/member/snap/db "$data"/*/member/snap/db; do
        [ ! -e "$found" ] || echo "${found%/snap/db}"
    done | fact members_on_disk
    ls -A "$data" | fact data_entries
    find "$data"/member -type l 2>/dev/null | fact member_links
    cut -d ' ' -f 5 /proc/self/mountinfo | grep -F "$(readlink -f "$data")/member" | fact mounts_within
    du -sk --apparent-size "$data" | fact data_kib
    stat -c '%Y' "$data/member/snap/db" 2>/dev/null | fact data_written
fi
for file in "$6" "$7" "$8" "$9" "${10}" "${11}"; do
    [ -r "$file" ] || echo "$file"
done | sort -u | fact missing_certificates
fetch GET "$peer_url/version" "$address" "$6" "$7" "$8" 2>/dev/null | fact peer_version
fetch GET "$peer_url/members" "$address" "$6" "$7" "$8" 2>/dev/null | fact peer_members
fetch GET "$peer_url/members/hashkv" "$address" "$6" "$7" "$8" '{"revision":0}' 2>/dev/null | fact peer_hashkv
fetch_client GET "$client_url/health" "$address" "$9" "${10}" "${11}" "$7" "$8" | fact client_health
! command -v openssl >/dev/null || { certificate "$7" && [ "$7" = "${10}" ] || certificate "${10}"; } | fact certificates_shown
# Which Kubernetes this is: the Namespace holds no secret, and any member knows it.
key=$(printf '%s/namespaces/kube-system' "${12}" | base64 | tr -d '\n')
fetch_client POST "$client_url/v3/kv/range" "$address" "$9" "${10}" "${11}" "$7" "$8" "{\"key\":\"$key\",\"serializable\":true}" |
    fact kube_system
shift 12
[ ! -r "$1" ] || encryption_keys "$1" | fact encryption_keys
member=$2 wal=$3 image=$4
stat -c '%u:%g %a %C' "$member" 2>/dev/null | fact owner
stat -c %s "$member/snap/db" 2>/dev/null | fact database_bytes
[ -z "$wal" ] || { df -P -k "$wal" || df -P -k "${wal%/*}"; } 2>/dev/null | tail -n 1 | fact wal_disk
restore_tools "$member" "$image" | fact tools
shift 4
for file; do
    [ ! -r "$file" ] || sha256sum "$file"
done | fact shared_files
