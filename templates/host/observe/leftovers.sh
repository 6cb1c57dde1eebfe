# What that run has left on this host. Changes nothing.
# values: state run data kept others...
#   others   paths that it may have made besides
{% include "host/lib/facts.sh" %}
if [ "$(cat "$state/$run/kept" 2>/dev/null)" = none ]; then
    echo none
elif [ -e "$state/$run/kept" ] && [ -d "$kept" ]; then
    echo whole
fi | fact kept
[ ! -e "$state/$run/claim.released" ] || echo yes | fact released
for path in "$state/$run"/snapshot.db "$state/$run"/snapshot.db.part.* "$kept" "$kept.part" "$data/restore.db.kr-$run" "$@"; do
    [ ! -e "$path" ] || du -sk --apparent-size "$path"
done | fact made
