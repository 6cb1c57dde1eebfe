# kept.sh STATE RUN KEPT   Exits 0 where the old data is kept whole, or there was none.
list=$1/$2/kept
[ -e "$list" ] || { echo "the old data is not kept yet"; exit 1; }
[ "$(cat "$list")" = none ] && exit 0
[ -d "$3" ] && exit 0
echo "$3 is gone"
exit 1
