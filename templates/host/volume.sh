# volume.sh DATA STATE PEER_URL CLIENT_URL ADDRESS PEER_CA PEER_CERT PEER_KEY CLIENT_CA CLIENT_CERT CLIENT_KEY
# Looks at one master's data volume and asks its member, if one answers. Changes nothing.
{% include "host/facts.sh" %}
{% include "host/fetch.sh" %}
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
    du -sk --apparent-size "$data" | fact data_kib
fi
for file in "$6" "$7" "$8" "$9" "${10}" "${11}"; do
    [ -r "$file" ] || echo "$file"
done | sort -u | fact missing_certificates
fetch GET "$peer_url/version" "$address" "$6" "$7" "$8" 2>/dev/null | fact peer_version
fetch GET "$peer_url/members" "$address" "$6" "$7" "$8" 2>/dev/null | fact peer_members
fetch GET "$peer_url/members/hashkv" "$address" "$6" "$7" "$8" '{"revision":0}' 2>/dev/null | fact peer_hashkv
fetch_client GET "$client_url/health" "$address" "$9" "${10}" "${11}" "$7" "$8" | fact client_health
