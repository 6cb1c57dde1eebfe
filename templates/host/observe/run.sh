# Which run holds the host, and what the markers of that run, or of RUN, say. Changes nothing.
# values: state [run]
{% include "host/lib/forget.sh" %}
{% include "host.sh" %}
{% include "host/lib/facts.sh" %}
{% include "host/lib/run_facts.sh" %}
run_facts "$state"
if [ -z "$run" ] && [ -e "$state/claim" ]; then
    run=$(cat "$state/claim")
    run=${run#*\"run\":\"}
    run=${run%%\"*}
fi
[ -n "$run" ] && [ -d "$state/$run" ] || exit 0
echo "$run" | fact run
acts "$state" "$run" | fact acts
[ ! -e "$state/$run/undone" ] || fact undone <"$state/$run/undone"
[ ! -e "$state/$run/plan.json" ] || sha256sum <"$state/$run/plan.json" | fact plan_sha256
