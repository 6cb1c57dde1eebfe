! grep -q "\"run\":\"$RUN\"" "$STATE/claim" 2>/dev/null || mv "$STATE/claim" "$STATE/$RUN/claim.released" || exit 1
# Also if an act died right after that. With another run's claim the heartbeat is another run's, too.
rm -f "$STATE/$RUN/claim" "$STATE/$RUN/reserve"
[ -e "$STATE/claim" ] || rm -f "$STATE/alive"
sync "$STATE"
