# same.sh PATH SHA256   Exits 0 where the file has that sha256, and would still have it after a power cut.
{% include "host/sha256.sh" %}
[ -e "$1" ] || { echo "$1 is not there"; exit 1; }
sync "$1" "${1%/*}" & # beside the hash: the one waits for the disk, the other for the processor
flushed=$!
sum=$(sha256 <"$1")
wait "$flushed" || { echo "$1 cannot be written to the disk"; exit 1; }
[ "$sum" = "$2" ] && exit 0
echo "$1 has sha256 $sum, not $2"
exit 1
