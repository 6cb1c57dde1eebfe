# placed.sh STATE RUN MEMBER [WAL]   Exits 0 where the restored data is in its place, or this run has let the host start since.
{% include "host/listed.sh" %}
for lifted in "$1/$2"/steps/start.lift/*/started; do
    [ ! -e "$lifted" ] || exit 0
done
[ -d "$3" ] || { echo "$3 is not there"; exit 1; }
[ "$(listed "$3" "${4-}" 2>/dev/null)" = "$(cat "$1/$2/staged")" ] && exit 0
echo "$3 is not what this run has restored"
exit 1
