# Looks at one master's data volume and at what makes it one of the cluster, and asks its member, if it answers. Changes
# nothing.
# values: data member [wal] [image] prefix [encryption] shared...
# values: client_url peer_url address peer_ca peer_cert peer_key client_ca client_cert client_key
#   wal          a log in a folder of its own
#   image        of etcd's pod
#   prefix       of the API server's keys
#   encryption   the configuration of encryption at rest
#   shared       files that must be the same on all masters
{% include "host/lib/facts.sh" %}
{% include "host/lib/certificate.sh" %}
{% include "host/lib/encryption_keys.sh" %}
{% include "host/lib/ask_peer.sh" %}
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/etcd_tools.sh" %}
if [ -d "$data" ]; then
    df -P -k "$data" | tail -n 1 | fact data_disk
    df -P -i "$data" | tail -n 1 | fact data_inodes
    stat -c '%d %u:%g %a' "$data" | fact data_stat
    # Nothing can be renamed out of a mount point, even to another folder of the same disk.
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
for file in "$peer_ca" "$peer_cert" "$peer_key" "$client_ca" "$client_cert" "$client_key"; do
    [ -r "$file" ] || echo "$file"
done | sort -u | fact missing_certificates
ask_peer /version | fact peer_version
ask_peer /members | fact peer_members
ask_peer /members/hashkv '{"revision":0}' | fact peer_hashkv
ask_client GET /health | fact client_health
! command -v openssl >/dev/null ||
    { certificate "$peer_cert" && [ "$peer_cert" = "$client_cert" ] || certificate "$client_cert"; } | fact certificates_shown
# Which Kubernetes this is: the Namespace holds no secret, and any member knows it.
key=$(printf '%s/namespaces/kube-system' "$prefix" | base64 | tr -d '\n')
ask_client POST /v3/kv/range "{\"key\":\"$key\",\"serializable\":true}" | fact kube_system
[ ! -r "$encryption" ] || encryption_keys "$encryption" | fact encryption_keys
stat -c '%u:%g %a %C' "$member" 2>/dev/null | fact owner
stat -c %s "$member/snap/db" 2>/dev/null | fact database_bytes
[ -z "$wal" ] || { df -P -k "$wal" || df -P -k "${wal%/*}"; } 2>/dev/null | tail -n 1 | fact wal_disk
restore_tools "$member" "$image" | fact tools
for file; do
    [ ! -r "$file" ] || sha256sum "$file"
done | fact shared_files
