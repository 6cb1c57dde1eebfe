# same.sh PATH SHA256   Exits 0 where the file has that sha256.
{% include "host/sha256.sh" %}
[ -e "$1" ] || { echo "$1 is not there"; exit 1; }
sum=$(sha256 <"$1")
[ "$sum" = "$2" ] && exit 0
echo "$1 has sha256 $sum, not $2"
exit 1
