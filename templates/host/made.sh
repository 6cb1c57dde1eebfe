# made.sh STATE RUN DATA KEPT [OTHER...]   What that run has left on this host. Changes nothing.
{% include "host/facts.sh" %}
state=$1 run=$2 data=$3 kept=$4
shift 4
if [ "$(cat "$state/$run/kept" 2>/dev/null)" = none ]; then
    echo none
elif [ -e "$state/$run/kept" ] && [ -d "$kept" ]; then
    echo whole
fi | fact kept
[ ! -e "$state/$run/claim.released" ] || echo yes | fact released
for path in "$state/$run"/snapshot.db "$state/$run"/snapshot.db.part.* "$kept" "$kept.part" "$data/restore.db.kr-$run" "$@"; do
    [ ! -e "$path" ] || du -sk --apparent-size "$path"
done | fact made
