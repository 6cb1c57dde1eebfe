{% include "host/lib/sha256.sh" %}
[ -e "$path" ] || { echo "$path does not exist"; exit 1; }
sync "$path" "${path%/*}" & # beside the hash: one waits for the disk, the other for the processor
flushed=$!
sum=$(sha256 <"$path")
wait "$flushed" || { echo "$path cannot be written to the disk"; exit 1; }
[ "$sum" = "$sha256" ] && exit 0
echo "$path has sha256 $sum, not $sha256"
exit 1
