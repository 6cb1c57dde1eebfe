# Exits 0 if the snapshot is the right one, and what was restored from it is whole.
# values: path sha256 state run staged [staged_wal]
{% include "host/lib/member_files.sh" %}
list=$state/$run/staged
[ -e "$list" ] || { echo "nothing is restored yet"; exit 1; }
[ "$(list_restored "$staged/member" "$staged_wal" 2>/dev/null)" = "$(cat "$list")" ] ||
    { echo "$staged has changed since it was restored"; exit 1; }
{% include "host/lib/same_file.sh" %}
