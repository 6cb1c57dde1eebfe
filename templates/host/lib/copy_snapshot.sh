{% include "host/lib/sha256.sh" %}
umask 077
rm -f "$path.part.copy"
cp --reflink=auto -- "$source" "$path.part.copy" || exit 1
sum=$(sha256 <"$path.part.copy")
if [ "$sum" != "$sha256" ]; then
    rm -f "$path.part.copy"
    echo "$source has changed since the plan was made: its sha256 is $sum, not $sha256"
    exit 1
fi
sync "$path.part.copy"
mv -f "$path.part.copy" "$path"
sync "${path%/*}"
