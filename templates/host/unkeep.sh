# unkeep.sh MEMBER KEPT UNDONE [KEPT_WAL]   Removes the old data that run UNDONE set aside, unless something depends on it.
{% include "host/intact.sh" %}
member=$1 kept=$2 wal=${4-}
for path in "$kept" ${wal:+"$wal"}; do
    case $path in *.kr-"$3") ;; *) echo "refused: $path is not named after run $3"; exit 3 ;; esac
done
rm -rf "$kept.part"
[ -e "$kept" ] || { rm -rf ${wal:+"$wal"}; exit; } # begun by an act that died
[ -d "$member" ] || { echo "refused: $member is gone, and $kept is what is left of it"; exit 3; }
if ! intact "$STATE/$3/kept" "$kept" "$wal"; then
    echo "refused: $kept has changed since it was made: look into it, and remove it by hand"
    exit 3
fi
mv "$kept" "$kept.part" && sync "${kept%/*}" || exit 1 # half removed, it would look as if it had changed
rm -rf "$kept.part" ${wal:+"$wal"} && sync "${kept%/*}"
