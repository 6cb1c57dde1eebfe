# keep.sh MEMBER KEPT   Sets the old data aside by one rename, and leaves a copy of it where it was: nothing says
# whether the vendor's restore wants to find old data. What is kept are the files themselves, so they need no proof and
# no flush; the copy is to be thrown away, and needs none either.
#   RUN/kept        device, inode, birth, size, path of every file of the copy: what a restored member must not run on
#   RUN/kept.sums   sha256 of every old file
{% include "host/sha256.sh" %}
{% include "host/stated.sh" %}
member=$1 kept=$2
list=$STATE/$RUN/kept
umask 077
[ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
[ ! -e "$list" ] || exit 0
if [ ! -e "$kept" ]; then
    [ ! -d "$member" ] || any=$(find "$member" -type f -print -quit) || exit 1
    if [ -z "${any-}" ]; then # no folder, or nothing in it
        echo none >"$list.part" && sync "$list.part" && mv "$list.part" "$list" && sync "$STATE/$RUN"
        exit
    fi
    [ -z "$(find "$member" -type l -print -quit)" ] || { echo "refused: $member leads elsewhere by links"; exit 3; }
    mv "$member" "$kept" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
sums "$kept" >"$list.sums" & # while it is copied: both read the same pages
if [ ! -e "$member" ]; then # else an act of this run died after the copy
    rm -rf "$kept.part"
    if ! { cp -a --reflink=auto "$kept" "$kept.part" && mv "$kept.part" "$member"; }; then
        wait
        rm -rf "$kept.part"
        mv "$kept" "$member"
        echo "the old data cannot be copied; it is back in its place"
        exit 1
    fi
fi
wait
[ -s "$list.sums" ] || { echo "the old data cannot be read"; exit 1; }
stated '%d %i %W %s %n' "$member" >"$list.part" || exit 1 # a list cut short proves nothing
sync "$list.part" "$list.sums"
mv "$list.part" "$list" && sync "$STATE/$RUN"
