# Tells etcd's pod to delete this member's data and to join the others as a new, empty member.
# values: data
#   RUN/result.before   the pod's last command-result, so that a new one can be told from it
# Vendor's page, "Restoring single etcd instance". Other words in that file mean other things; this writes no other.
{% include "host/lib/act.sh" %}
before=$STATE/$RUN/result.before
if [ -e "$data/command" ]; then
    [ "$(cat "$data/command")" = reinitialize ] && [ -e "$before" ] && exit 0 # of an earlier attempt, still unread
    refuse "$data/command exists, and is not from this run"
fi
stat -c '%i %s %y' "$data/command-result" >"$before.part" 2>/dev/null
publish "$before" || exit 1
order=$data/.command.kr-$RUN
echo reinitialize >"$order" && sync "$order" && mv "$order" "$data/command" && sync "$data"
