# Sets the old data aside by one rename, and leaves a copy in its place: nothing says whether the vendor's restore needs to
# find old data.
# values: member kept
#   RUN/kept        device, inode, birth, size, path of every file of the copy: a restored member must not run on these
#   RUN/kept.sums   sha256 of every old file
# The kept files are the originals, so they need no proof and no flush; the copy needs none because it is thrown away.
{% include "host/lib/act.sh" %}
{% include "host/lib/files.sh" %}
{% include "host/lib/sha256_of_files.sh" %}
list=$STATE/$RUN/kept
umask 077
refuse_unless_held
refuse_if_etcd_runs "$member"
[ ! -e "$list" ] || exit 0
if [ ! -e "$kept" ]; then
    any=
    [ ! -d "$member" ] || any=$(find "$member" -type f -print -quit) || exit 1
    if [ -z "$any" ]; then
        echo none >"$list.part" && publish "$list"
        exit
    fi
    [ -z "$(find "$member" -type l -print -quit)" ] || refuse "there are symbolic links in $member"
    mv "$member" "$kept" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
sha256_of_files "$kept" >"$list.sums" & # during the copy: both read the same pages
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
stat_files '%d %i %W %s %n' "$member" >"$list.part" || exit 1 # an incomplete list proves nothing
sync "$list.sums" && publish "$list"
