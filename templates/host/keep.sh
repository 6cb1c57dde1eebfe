# keep.sh MEMBER KEPT   Copies the old data aside, whole, and writes down what it was.
#   RUN/kept        device, inode, birth, size, path of every old file: what a restored member must no longer have
#   RUN/kept.sums   sha256 of every old file
{% include "host/sha256.sh" %}
member=$1 kept=$2
list=$STATE/$RUN/kept
umask 077
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
[ ! -e "$list" ] || exit 0
[ ! -d "$member" ] || any=$(find "$member" -type f -print -quit) || exit 1
if [ -z "${any-}" ]; then # no folder, or nothing in it
    echo none >"$list.part" && sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
    exit
fi
if [ ! -e "$kept" ]; then
    rm -rf "$kept.part" # of an act of this run that died
    sums "$member" >"$list.sums" & # while it is copied: both read the same pages
    cp -a --reflink=auto "$member" "$kept.part" || { wait; exit 1; }
    sync -f "$kept.part" & # while it is read again: that needs the processor, this the disk
    flushed=$!
    sums "$kept.part" >"$list.copied"
    wait "$flushed" || { wait; echo "the copy cannot be written to the disk"; exit 1; }
    wait
    [ -s "$list.sums" ] && [ "$(sort "$list.sums")" = "$(sort "$list.copied")" ] || { echo "the copy differs"; exit 1; }
    rm "$list.copied"
    mv "$kept.part" "$kept" && sync "${kept%/*}" || exit 1
fi
find "$member" -type f -exec stat -c '%d %i %W %s %n' {} + >"$list.part" || exit 1 # a list cut short proves nothing
sync "$list.part" "$list.sums"
mv "$list.part" "$list" && sync "$STATE/$RUN"
