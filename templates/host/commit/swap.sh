# Puts the old data that run UNDONE kept back in its place, by two renames; between them, file by file, a log in a folder of
# its own.
# values: data member kept aside undone [wal] [kept_wal] [aside_wal]
#   aside          where the data goes that is there now
#   RUN/returned   device, inode, birth, size, path of every file that was put back, or `none`
{% include "host/lib/act.sh" %}
{% include "host/lib/intact.sh" %}
list=$STATE/$RUN/returned
umask 077
refuse_unless_held
refuse_if_etcd_runs "$member"
[ ! -e "$list" ] || exit 0
none=no
[ "$(cat "$STATE/$undone/kept")" != none ] || none=yes

# If the kept folder is gone, an act that died has put it back already.
if [ "$none" = yes ] || [ -d "$kept" ]; then
    if [ -e "$member" ] && [ ! -e "$aside" ]; then
        mv "$member" "$aside" && sync "${aside%/*}" "$data" || exit 1
    fi
    [ ! -e "$member" ] || refuse "both $member and $aside exist"
    if [ -n "$wal" ]; then # the log before the data: alone it starts nothing
        move_wal "$wal" "$aside_wal" is_other_wal "$STATE/$undone/kept.stats" && move_wal "$kept_wal" "$wal" || exit
        rmdir "$kept_wal" 2>/dev/null
        [ "$none" = yes ] || is_intact "$STATE/$undone/kept" "$kept" "$wal" || # its disk may no longer be mounted
            refuse "$kept and the log in $wal are not what was set aside"
    fi
fi
if [ -e "$data/restore.db" ]; then
    scheduled=$data/restore.db.kr-$undone
    [ ! -e "$scheduled" ] || scheduled=$scheduled-$RUN
    mv "$data/restore.db" "$scheduled" && sync "$data" || exit 1
fi
if [ "$none" = yes ]; then
    echo none >"$list.part"
else
    [ ! -d "$kept" ] || mv "$kept" "$member" || exit 1
    sync "$data" "${kept%/*}" && stat_files '%d %i %W %s %n' "$member" >"$list.part" || exit 1
fi
publish "$list"
