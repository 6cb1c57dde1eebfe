# Restores the snapshot into STAGED/member, while the old etcd may still serve from its own folder: with the lowest
# priority, and stopped if that etcd loses its leader meanwhile.
# values: tool snapshot [flag] [bump] staged [staged_wal] name cluster token peer_url owner
# values: [client_url] address client_ca client_cert client_key peer_cert peer_key
#   bump         by how many revisions the newest is raised, if at all; all before it are compacted
#   staged_wal   where a log in a folder of its own is restored, inside that folder
#   owner        `UID:GID MODE LABEL` of the old member folder
#   client_url   of the etcd that serves
#   RUN/staged   inode, birth, size, path of every restored file
{% include "host/lib/ask_client.sh" %}
{% include "host/lib/member_files.sh" %}
list=$STATE/$RUN/staged wal=$staged_wal
[ ! -e "$list" ] || exit 0
umask 077
rm -rf "$staged.part" "$staged" ${wal:+"$wal.part" "$wal.part.tmp" "$wal"} # left by an act of this run that died
[ -z "$wal" ] || give_wal_folder "${wal%/*}" "$owner" || { echo "cannot give ${wal%/*} to $owner"; exit 1; }

leader() {
    answer=$(ask_client POST /v3/maintenance/status '{}')
    case $answer in *'"leader":"'*) answer=${answer#*'"leader":"'} && echo "${answer%%\"*}" ;; esac
}
fetch_s=3
before=
[ -z "$client_url" ] || before=$(leader)

quietly() { if command -v ionice >/dev/null; then exec ionice -c 3 nice -n 19 "$@"; else exec nice -n 19 "$@"; fi; }
set -- snapshot restore "$snapshot" --name "$name" --initial-cluster "$cluster" --initial-cluster-token "$token" \
    --initial-advertise-peer-urls "$peer_url" --data-dir "$staged.part"
[ -z "$flag" ] || set -- "$@" "$flag"
[ -z "$bump" ] || set -- "$@" --bump-revision "$bump" --mark-compacted
[ -z "$wal" ] || set -- "$@" --wal-dir "$wal.part"
chmod 700 "$tool"
(ETCDCTL_API=3 quietly "$tool" "$@") & # the folder must not exist: etcd before 3.5 refuses even an empty one
restoring=$!
give_up() {
    kill "$restoring" 2>/dev/null
    wait "$restoring"
    rm -rf "$staged.part" ${wal:+"$wal.part" "$wal.part.tmp"}
    echo "$1"
    exit 1
}
trap 'give_up "stopped from outside"' TERM
missed=0
while [ -n "$before" ] && kill -0 "$restoring" 2>/dev/null; do
    sleep 1
    if [ "$(leader)" = "$before" ]; then missed=0; else missed=$((missed + 1)); fi
    [ "$missed" -lt 3 ] || give_up "stopped: the live etcd has lost its leader meanwhile, and needs the machine for itself"
done
wait "$restoring" || give_up "etcd's tool could not restore the snapshot"

member=$staged.part/member
logs=${wal:+$wal.part}
logs=${logs:-$member/wal}
for found in "$member/snap/db" "$member"/snap/*.snap "$logs"/*.wal; do
    [ -s "$found" ] || give_up "the tool has left no $found"
done
set -f # a label is no pattern
set -- $owner
set +f
chown -R "$1" "$member" ${wal:+"$wal.part"} && chmod "$2" "$member" ${wal:+"$wal.part"} || give_up "cannot give the folder to $1"
case ${3:-?} in '?') ;; *) chcon -R "$3" "$member" ${wal:+"$wal.part"} || give_up "cannot label the folder $3" ;; esac
find "$staged.part" ${wal:+"$wal.part"} -exec sync {} + || give_up "what was restored cannot be written to the disk"
mv "$staged.part" "$staged" && sync "${staged%/*}" || exit 1
[ -z "$wal" ] || { mv "$wal.part" "$wal" && sync "${wal%/*}"; } || exit 1
list_restored "$staged/member" "$wal" >"$list.part" && sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
