# staged.sh SNAPSHOT SHA256 STATE RUN STAGED WAL   Exits 0 where the snapshot is the right one, and what was restored from
# it lies there whole.
{% include "host/listed.sh" %}
list=$3/$4/staged
[ -e "$list" ] || { echo "nothing is restored yet"; exit 1; }
[ "$(listed "$5/member" "$6" 2>/dev/null)" = "$(cat "$list")" ] || { echo "$5 is no longer what was restored"; exit 1; }
set -- "$1" "$2"
{% include "host/same.sh" %}
