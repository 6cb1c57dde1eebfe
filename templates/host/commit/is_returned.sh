# Exits 0 if the old data is back in its place, and nothing is scheduled.
# values: state run data member
list=$state/$run/returned
[ -e "$list" ] || { echo "the old data is not back yet"; exit 1; }
if [ "$(cat "$list")" = none ]; then
    [ ! -e "$member" ] || { echo "$member exists, but this master had no old data"; exit 1; }
else
    [ -d "$member" ] || { echo "$member is gone"; exit 1; }
fi
{% include "host/lib/nothing_scheduled.sh" %}
