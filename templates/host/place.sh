# place.sh STAGED MEMBER [STAGED_WAL WAL]   Puts what was restored in its place, by a rename. The folder MEMBER is free:
# the old one was set aside. Done is what `placed.sh` sees.
staged=$1 member=$2 staged_wal=${3-} wal=${4-}
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ -e "$STATE/$RUN/kept" ] || { echo "refused: the old data was not set aside"; exit 3; }
if [ -n "$wal" ] && [ -e "$staged_wal" ]; then # the log before the member: alone it starts nothing
    [ ! -e "$wal" ] || { echo "refused: $wal is there"; exit 3; }
    mv "$staged_wal" "$wal" && sync "${wal%/*}" || exit 1
fi
if [ -e "$staged/member" ]; then
    [ ! -e "$member" ] || { echo "refused: $member is there"; exit 3; }
    mv "$staged/member" "$member" && sync "${member%/*}" "$staged" || exit 1
fi
rmdir "$staged" 2>/dev/null || :
