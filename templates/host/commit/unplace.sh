# Before anything was started: moves what run UNDONE restored out of its place again, and puts the old data back.
# values: member kept undone staged [wal] [kept_wal] [staged_wal]
{% include "host/lib/act.sh" %}
{% include "host/lib/intact.sh" %}
list=$STATE/$undone/kept
[ -e "$list" ] || [ -e "$kept" ] || [ -e "$kept.empty" ] || exit 0
refuse_unless_held "$undone"
refuse_if_etcd_runs "$member"
is_ours() { # FOLDER: by the inode of its database
    line=$(stat -c '%i %W' "$1/snap/db" 2>/dev/null) && grep -q "^$line .* \./snap/db\$" "$STATE/$undone/staged"
}
if [ -e "$member" ] && is_ours "$member"; then
    mkdir -p "$staged" && mv "$member" "$staged/member" && sync "${member%/*}" "$staged" || exit 1
fi
if [ -n "$wal" ]; then # the log before the data: alone it starts nothing
    move_wal "$wal" "$staged_wal" is_restored_wal "$STATE/$undone/staged" && move_wal "$kept_wal" "$wal" || exit
    rmdir "$kept_wal" 2>/dev/null
    # After a reboot its disk may not be mounted: without its log the old member is another one.
    [ ! -e "$kept" ] || [ ! -e "$list" ] || is_intact "$list" "$kept" "$wal" ||
        refuse "$kept and the log in $wal are not what was set aside"
fi
for aside in "$kept" "$kept.empty"; do
    [ -e "$aside" ] || continue
    [ ! -e "$member" ] || refuse "both $member and $aside exist"
    mv "$aside" "$member" && sync "${member%/*}" "${aside%/*}" || exit 1
done
