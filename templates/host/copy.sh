# copy.sh FROM TO SHA256   The snapshot, which lies on this host already, into the run's folder: whole and hashed, or not.
{% include "host/sha256.sh" %}
umask 077
part=$2.part.copy
rm -f "$part"
cp --reflink=auto -- "$1" "$part" || exit 1
sum=$(sha256 <"$part")
if [ "$sum" != "$3" ]; then
    rm -f "$part"
    echo "$1 is another file than when the plan was made: its sha256 is $sum, not $3"
    exit 1
fi
sync "$part"
mv -f "$part" "$2"
sync "${2%/*}"
