# Exits 0 if the old data is kept whole, or there was none.
# values: state run kept
list=$state/$run/kept
[ -e "$list" ] || { echo "the old data is not kept yet"; exit 1; }
[ "$(cat "$list")" = none ] && exit 0
[ -d "$kept" ] && exit 0
echo "$kept is gone"
exit 1
