# runs.sh STATE [RUN]   Whose the host is, and what the markers of that run, or of RUN, say. Changes nothing.
{% include "host.sh" %}
{% include "host/facts.sh" %}
{% include "host/records.sh" %}
runs "$1"
run=${2-}
if [ -z "$run" ] && [ -e "$1/claim" ]; then
    run=$(cat "$1/claim")
    run=${run#*\"run\":\"}
    run=${run%%\"*}
fi
[ -n "$run" ] && [ -d "$1/$run" ] || exit 0
echo "$run" | fact run
acts "$1" "$run" | fact acts
[ ! -e "$1/$run/undone" ] || fact undone <"$1/$run/undone"
[ ! -e "$1/$run/plan.json" ] || sha256sum <"$1/$run/plan.json" | fact plan_sha256
