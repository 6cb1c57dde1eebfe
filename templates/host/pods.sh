# pods.sh out|back MANIFESTS ASIDE FILE...   Moves static pods' manifests out of kubelet's sight, into a folder beside its own, or
# back, also what a run that was given up has left in a folder of its own. A rename each: kubelet sees a whole file, or none. What somebody has put there meanwhile is not overwritten.
verb=$1 manifests=$2 aside=$3
shift 3
from=$aside to=$manifests
if [ "$verb" = out ]; then
    [ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
    from=$manifests to=$aside
    mkdir -p -m 700 "$aside" && sync "${aside%/*}" || exit 1
fi
adopt() { # FILE
    for older in "$manifests".kr-*/"$1"; do
        [ -e "$older" ] && [ ! -e "$from/$1" ] && [ ! -e "$to/$1" ] && mv "$older" "$to/$1" && rmdir "${older%/*}" 2>/dev/null
    done
}
for file; do
    [ "$verb" = back ] || adopt "$file"
    [ -e "$from/$file" ] || continue
    [ ! -e "$to/$file" ] || { echo "refused: both $from/$file and $to/$file are there"; exit 3; }
    mv "$from/$file" "$to/$file" || exit 1
done
[ ! -d "$aside" ] || sync "$aside"
sync "$manifests"
[ "$verb" = out ] || rmdir "$aside" 2>/dev/null || :
