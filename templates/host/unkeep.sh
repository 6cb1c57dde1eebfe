# unkeep.sh MEMBER KEPT UNDONE   Removes the old data that run UNDONE set aside, unless something depends on it.
member=$1 kept=$2 sums=$STATE/$3/kept.sums
case $kept in *.kr-"$3") ;; *) echo "refused: $kept is not named after run $3"; exit 3 ;; esac
rm -rf "$kept.part"
[ -e "$kept" ] || exit 0
[ -d "$member" ] || { echo "refused: $member is gone, and $kept is what is left of it"; exit 3; }
if [ "$(cd "$kept" && find . -type f -exec sha256sum {} + | sort)" != "$(sort "$sums")" ]; then
    echo "refused: $kept has changed since it was made: look into it, and remove it by hand"
    exit 3
fi
mv "$kept" "$kept.part" && sync "${kept%/*}" || exit 1 # half removed, it would look as if it had changed
rm -rf "$kept.part" && sync "${kept%/*}"
