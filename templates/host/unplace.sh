# unplace.sh MEMBER KEPT UNDONE STAGED [WAL KEPT_WAL STAGED_WAL]   Before anything was started: takes what run UNDONE has restored
# out of its place again, and puts the old data back.
{% include "host/intact.sh" %}
member=$1 kept=$2 undone=$3 staged=$4 wal=${5-} kept_wal=${6-} staged_wal=${7-}
[ -e "$STATE/$undone/kept" ] || [ -e "$kept" ] || [ -e "$kept.empty" ] || exit 0
case $(cat "$STATE/hold" 2>/dev/null) in "$RUN" | "$undone") ;; *) echo "refused: this host is not held"; exit 3 ;; esac
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
ours() { # FOLDER: by the inode of its database
    line=$(stat -c '%i %W' "$1/snap/db" 2>/dev/null) && grep -q "^$line .* \./snap/db\$" "$STATE/$undone/staged"
}
if [ -e "$member" ] && ours "$member"; then
    mkdir -p "$staged" && mv "$member" "$staged/member" && sync "${member%/*}" "$staged" || exit 1
fi
if [ -n "$wal" ]; then # the log before the member: alone it starts nothing
    move_log "$wal" "$staged_wal" restored_log "$STATE/$undone/staged" && move_log "$kept_wal" "$wal" || exit
    rmdir "$kept_wal" 2>/dev/null
    # Its disk may not have been mounted again after a reboot: without its log the old member is another one.
    [ ! -e "$kept" ] || [ ! -e "$STATE/$undone/kept" ] || intact "$STATE/$undone/kept" "$kept" "$wal" ||
        { echo "refused: $kept and the log in $wal are not what was set aside"; exit 3; }
fi
for aside in "$kept" "$kept.empty"; do
    [ -e "$aside" ] || continue
    [ ! -e "$member" ] || { echo "refused: both $member and $aside are there"; exit 3; }
    mv "$aside" "$member" && sync "${member%/*}" "${aside%/*}" || exit 1
done
