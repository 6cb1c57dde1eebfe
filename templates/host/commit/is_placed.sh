# Exits 0 if the restored data is in its place, or this run has let the host start since.
# values: state run member [wal] lifts
#   lifts   the folder of the step that lets the host start
{% include "host/lib/member_files.sh" %}
{% include "host/lib/lifted.sh" %}
[ -d "$member" ] || { echo "$member does not exist"; exit 1; }
[ "$(list_restored "$member" "$wal" 2>/dev/null)" = "$(cat "$state/$run/staged")" ] && exit 0
echo "$member is not what this run has restored"
exit 1
