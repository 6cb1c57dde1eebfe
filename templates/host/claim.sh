# claim.sh LAPTOP   Takes this host for the run: at most one run at a time holds it.
claim=$STATE/claim
mine=$STATE/$RUN/claim
if [ -e "$claim" ] && ! grep -q "\"run\":\"$RUN\"" "$claim"; then
    cat "$claim" >&2
    exit 11
fi
sum=$(sha256sum <"$STATE/$RUN/plan.json")
printf '{"format":1,"run":"%s","attempt":"%s","laptop":"%s","plan_sha256":"%s","taken_at_utc":"%s"}\n' \
    "$RUN" "$ATTEMPT" "$1" "${sum%% *}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$mine.part"
sync "$mine.part"
if [ -e "$claim" ]; then # ours, from an older attempt
    mv "$mine.part" "$claim"
else
    mv "$mine.part" "$mine"
    ln "$mine" "$claim" || exit 11 # a hard link is exclusive: of two laptops one gets it
fi
: >>"$STATE/alive"
touch "$STATE/alive"
sync "$STATE"
