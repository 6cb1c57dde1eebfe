# Exits 0 if the kept old data is, file by file, what the run kept. An undo asks this; phase keep asks is_set_aside.sh.
# values: state run kept [kept_wal]
{% include "host/lib/intact.sh" %}
[ -d "$kept" ] || { echo "$kept is gone"; exit 1; }
is_intact "$state/$run/kept" "$kept" "$kept_wal" || { echo "$kept is no longer what was kept"; exit 1; }
