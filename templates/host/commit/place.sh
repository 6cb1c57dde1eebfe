# Puts the restored data in its place, by a rename; before that, file by file, a log in a folder of its own: without data
# it starts nothing. The place is free, because the old data was set aside.
# values: staged member [staged_wal] [wal]
{% include "host/lib/act.sh" %}
{% include "host/lib/member_files.sh" %}
list=$STATE/$RUN/staged
refuse_unless_held
[ -e "$STATE/$RUN/kept" ] || refuse "the old data was not set aside"
if [ -n "$wal" ]; then
    wal_files "$wal" | while IFS= read -r file; do
        is_restored_wal "$list" "$wal/$file" || refuse "$wal/$file already exists"
    done || exit
    move_wal "$staged_wal" "$wal" || exit
    rmdir "$staged_wal" 2>/dev/null
fi
if [ -e "$staged/member" ]; then
    [ ! -e "$member" ] || refuse "$member already exists"
    [ -z "$wal" ] || [ "$(list_restored "$staged/member" "$wal")" = "$(cat "$list")" ] ||
        refuse "$staged and the log in $wal are not what was restored"
    mv "$staged/member" "$member" && sync "${member%/*}" "$staged" || exit 1
fi
rmdir "$staged" 2>/dev/null || :
