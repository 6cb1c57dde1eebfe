# Removes the old data that run UNDONE set aside, unless something depends on it.
# values: member kept undone [kept_wal]
{% include "host/lib/act.sh" %}
{% include "host/lib/intact.sh" %}
for path in "$kept" ${kept_wal:+"$kept_wal"}; do
    case $path in *.kr-"$undone") ;; *) refuse "$path is not named after run $undone" ;; esac
done
rm -rf "$kept.part"
[ -e "$kept" ] || { rm -rf ${kept_wal:+"$kept_wal"}; exit; } # begun by an act that died
[ -d "$member" ] || refuse "$member is gone, and $kept is what is left of it"
is_intact "$STATE/$undone/kept" "$kept" "$kept_wal" ||
    refuse "$kept has changed since it was set aside: check it, then remove it by hand"
mv "$kept" "$kept.part" && sync "${kept%/*}" || exit 1 # half removed, it would look changed
rm -rf "$kept.part" ${kept_wal:+"$kept_wal"} && sync "${kept%/*}"
