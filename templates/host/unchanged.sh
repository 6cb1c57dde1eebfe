# unchanged.sh STATE RUN KEPT   Exits 0 where the kept old data is, file by file, what run RUN kept.
sums=$1/$2/kept.sums kept=$3
[ -d "$kept" ] || { echo "$kept is gone"; exit 1; }
[ -s "$sums" ] || { echo "$sums is gone: nothing shows what was kept"; exit 1; }
now=$(cd "$kept" && find . -type f -exec sha256sum {} + | sort)
[ "$now" = "$(sort "$sums")" ] || { echo "$kept is no longer what was kept"; exit 1; }
