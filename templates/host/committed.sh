# committed.sh STATE RUN PATH SHA256   Exits 0 where that file is scheduled, or this run has let the host start since.
for lifted in "$1/$2"/steps/start.lift/*/started; do
    [ ! -e "$lifted" ] || exit 0
done
shift 2
{% include "host/same.sh" %}
