# swap.sh DATA MEMBER KEPT ASIDE UNDONE   Puts the old data that run UNDONE kept back in its place, by two renames.
#   RUN/returned   device, inode, birth, size, path of every file that was put back, or `none`
data=$1 member=$2 kept=$3 aside=$4 undone=$5
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
    sync "$data" "${kept%/*}" && find "$member" -type f -exec stat -c '%d %i %W %s %n' {} + >"$list.part" || exit 1
fi
sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
