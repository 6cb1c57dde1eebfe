# pods.sh out|back MANIFESTS ASIDE FILE...   Moves static pods' manifests out of kubelet's sight, into a folder beside its own, or
# back. A rename each: kubelet sees a whole file, or none. What somebody has put there meanwhile is not overwritten.
verb=$1 manifests=$2 aside=$3
shift 3
from=$aside to=$manifests
if [ "$verb" = out ]; then
    [ "$(cat "$STATE/hold" 2>/dev/null)" = "$RUN" ] || { echo "refused: this host is not held"; exit 3; }
    from=$manifests to=$aside
    mkdir -p -m 700 "$aside" && sync "${aside%/*}" || exit 1
fi
for file; do
    [ -e "$from/$file" ] || continue
    [ ! -e "$to/$file" ] || { echo "refused: both $from/$file and $to/$file are there"; exit 3; }
    mv "$from/$file" "$to/$file" || exit 1
done
[ ! -d "$aside" ] || sync "$aside"
sync "$manifests"
[ "$verb" = out ] || rmdir "$aside" 2>/dev/null || :
