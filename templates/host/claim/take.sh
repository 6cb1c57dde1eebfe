# Claims this host for the run: at most one run at a time holds it.
# values: laptop [undone]
#   undone   the run that this run undoes: its claim is taken over, its attempts are fenced, and a mark in its folder says
#            that it cannot go on
{% include "host/lib/forget.sh" %}
claim=$STATE/claim mine=$STATE/$RUN/claim
taken() { cat "$claim" >&2; exit 11; }

ours=no
if [ -e "$claim" ]; then # asked once: a rival may come between two looks
    grep -q -e "\"run\":\"$RUN\"" -e "\"run\":\"${undone:-$RUN}\"" "$claim" || taken
    ours=yes # from an older attempt, or to be taken over
fi
if [ -n "$undone" ] && [ -d "$STATE/$undone" ]; then
    newest=$(cat "$STATE/$undone/attempt" 2>/dev/null)
    echo "$((${newest%%-*} + 1))-undone" >"$STATE/$undone/attempt.part" && echo "$RUN" >"$STATE/$undone/undone.part" &&
        sync "$STATE/$undone/attempt.part" "$STATE/$undone/undone.part" &&
        mv "$STATE/$undone/attempt.part" "$STATE/$undone/attempt" &&
        mv "$STATE/$undone/undone.part" "$STATE/$undone/undone" && sync "$STATE/$undone" || exit 1
    forget "$STATE" "$undone" || exit 1
fi
sum=$(sha256sum <"$STATE/$RUN/plan.json")
printf '{"format":1,"run":"%s","attempt":"%s","laptop":"%s","plan_sha256":"%s","taken_at_utc":"%s"}\n' \
    "$RUN" "$ATTEMPT" "$laptop" "${sum%% *}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$mine.part" && sync "$mine.part" || exit 1
if [ "$ours" = yes ]; then
    mv "$mine.part" "$claim"
else
    mv "$mine.part" "$mine"
    ln "$mine" "$claim" || taken # a hard link is exclusive: of two laptops one gets it
fi
: >>"$STATE/alive"
touch "$STATE/alive"
sync "$STATE"
