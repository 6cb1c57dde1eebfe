# place.sh STAGED MEMBER [STAGED_WAL WAL]   Puts what was restored in its place, by a rename; before that a log that lies
# apart, file by file: alone it starts nothing. The place is free: the old data was set aside. Done is what `placed.sh` sees.
{% include "host/listed.sh" %}
staged=$1 member=$2 staged_wal=${3-} wal=${4-}
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ -e "$STATE/$RUN/kept" ] || { echo "refused: the old data was not set aside"; exit 3; }
if [ -n "$wal" ]; then
    log_files "$wal" | while IFS= read -r file; do
        restored_log "$STATE/$RUN/staged" "$wal/$file" || { echo "refused: $wal/$file is there"; exit 3; }
    done || exit
    move_log "$staged_wal" "$wal" || exit
    rmdir "$staged_wal" 2>/dev/null
fi
if [ -e "$staged/member" ]; then
    [ ! -e "$member" ] || { echo "refused: $member is there"; exit 3; }
    [ -z "$wal" ] || [ "$(listed "$staged/member" "$wal")" = "$(cat "$STATE/$RUN/staged")" ] ||
        { echo "refused: $staged and the log in $wal are not what was restored"; exit 3; }
    mv "$staged/member" "$member" && sync "${member%/*}" "$staged" || exit 1
fi
rmdir "$staged" 2>/dev/null || :
