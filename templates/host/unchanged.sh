# unchanged.sh STATE RUN KEPT [KEPT_WAL]   Exits 0 where the kept old data is, file by file, what run RUN kept.
{% include "host/intact.sh" %}
[ -d "$3" ] || { echo "$3 is gone"; exit 1; }
intact "$1/$2/kept" "$3" "${4-}" || { echo "$3 is no longer what was kept"; exit 1; }
