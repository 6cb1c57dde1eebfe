# Sets the old data aside, by a rename. A log in a folder of its own follows, file by file.
# values: member kept [wal] [kept_wal] [staged_wal]
#   staged_wal       in the folder of the log too: if it is gone, that disk is not mounted
#   RUN/kept         device, inode, birth, size, path of every old file: a restored member must not run on these
#   RUN/kept.stats   inode, size, time of the last change, path of every old file: unchanged if it is to be put back
# The data is renamed before the log, because without data nothing starts.
{% include "host/lib/act.sh" %}
{% include "host/lib/member_files.sh" %}
list=$STATE/$RUN/kept
umask 077
refuse_unless_held
refuse_if_etcd_runs "$member"
[ ! -e "$list" ] || exit 0
[ -z "$staged_wal" ] || [ -d "$staged_wal" ] || refuse "$staged_wal is gone: is its disk mounted?"
if [ ! -e "$kept" ] && { [ ! -d "$member" ] || [ -z "$(find "$member" -type f -print -quit)" ]; }; then
    [ -z "$wal" ] || [ -z "$(wal_files "$wal")" ] || refuse "there is a log in $wal, but no data in $member"
    [ ! -d "$member" ] || mv "$member" "$kept.empty" || exit 1
    echo none >"$list.part" && publish "$list"
    exit
fi
if [ ! -e "$kept" ]; then
    [ -z "$(find "$member" -type l -print -quit)" ] || refuse "there are symbolic links in $member"
    mv "$member" "$kept" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
[ -z "$wal" ] || move_wal "$wal" "$kept_wal" || exit
[ -d "$kept_wal" ] || kept_wal= # lost with what has damaged this member
list_old "$kept" "$kept_wal" >"$list.stats" && sync "$list.stats" &&
    stat_files '%d %i %W %s %n' "$kept" ${kept_wal:+"$kept_wal"} >"$list.part" && publish "$list"
