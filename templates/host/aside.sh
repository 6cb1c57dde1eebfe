# aside.sh MEMBER KEPT [WAL KEPT_WAL [STAGED_WAL]]   Sets the old data aside, by a rename; first of all, for without it
# nothing starts. Then a log that lies apart, file by file. STAGED_WAL lies in the same folder.
#   RUN/kept         device, inode, birth, size, path of every old file: what a restored member must not run on
#   RUN/kept.stats   inode, size, time of the last change and path of every old file: what must still be so to put it back
{% include "host/stats.sh" %}
member=$1 kept=$2 wal=${3-} kept_wal=${4-} staged_wal=${5-}
list=$STATE/$RUN/kept
umask 077
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
[ ! -e "$list" ] || exit 0
[ -z "$staged_wal" ] || [ -d "$staged_wal" ] || { echo "refused: $staged_wal is gone: is its disk mounted?"; exit 3; }
if [ ! -e "$kept" ] && { [ ! -d "$member" ] || [ -z "$(find "$member" -type f -print -quit)" ]; }; then
    [ -z "$wal" ] || [ -z "$(log_files "$wal")" ] || { echo "refused: a log is in $wal, but no data in $member"; exit 3; }
    [ ! -d "$member" ] || mv "$member" "$kept.empty" || exit 1
    echo none >"$list.part" && sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
    exit
fi
if [ ! -e "$kept" ]; then
    [ -z "$(find "$member" -type l -print -quit)" ] || { echo "refused: $member leads elsewhere by links"; exit 3; }
    mv "$member" "$kept" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
[ -z "$wal" ] || move_log "$wal" "$kept_wal" || exit
[ -d "$kept_wal" ] || kept_wal= # gone, with what has damaged this member
stats "$kept" "$kept_wal" >"$list.stats" && sync "$list.stats" &&
    stated '%d %i %W %s %n' "$kept" ${kept_wal:+"$kept_wal"} >"$list.part" &&
    sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
