# swap.sh DATA MEMBER KEPT ASIDE UNDONE [WAL KEPT_WAL ASIDE_WAL]   Puts the old data that run UNDONE kept back in its place,
# by two renames; between them a log that lies apart, file by file.
#   RUN/returned   device, inode, birth, size, path of every file that was put back, or `none`
{% include "host/intact.sh" %}
data=$1 member=$2 kept=$3 aside=$4 undone=$5 wal=${6-} kept_wal=${7-} aside_wal=${8-}
list=$STATE/$RUN/returned
umask 077
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
[ ! -e "$list" ] || exit 0
none=no
[ "$(cat "$STATE/$undone/kept")" != none ] || none=yes

# With the kept folder gone, an act that died has put it back already.
if [ "$none" = yes ] || [ -d "$kept" ]; then
    if [ -e "$member" ] && [ ! -e "$aside" ]; then
        mv "$member" "$aside" && sync "${aside%/*}" "$data" || exit 1
    fi
    [ ! -e "$member" ] || { echo "refused: both $member and $aside are there"; exit 3; }
    if [ -n "$wal" ]; then # the log before the member: alone it starts nothing
        move_log "$wal" "$aside_wal" not_old_log "$STATE/$undone/kept.stats" && move_log "$kept_wal" "$wal" || exit
        rmdir "$kept_wal" 2>/dev/null
        [ "$none" = yes ] || intact "$STATE/$undone/kept" "$kept" "$wal" || # its disk may not be mounted any more
            { echo "refused: $kept and the log in $wal are not what was set aside"; exit 3; }
    fi
fi
if [ -e "$data/restore.db" ]; then
    armed=$data/restore.db.kr-$undone
    [ ! -e "$armed" ] || armed=$armed-$RUN
    mv "$data/restore.db" "$armed" && sync "$data" || exit 1
fi
if [ "$none" = yes ]; then
    echo none >"$list.part"
else
    [ ! -d "$kept" ] || mv "$kept" "$member" || exit 1
    sync "$data" "${kept%/*}" && stated '%d %i %W %s %n' "$member" >"$list.part" || exit 1
fi
sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
