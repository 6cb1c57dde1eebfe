# release.sh   Gives the host back. The run's folder stays: it holds the old data's list and the evidence.
! grep -q "\"run\":\"$RUN\"" "$STATE/claim" 2>/dev/null || mv "$STATE/claim" "$STATE/$RUN/claim.released" || exit 1
# Also where an act that died has got no further than that. With another's claim the heartbeat is another's, too.
rm -f "$STATE/$RUN/claim" "$STATE/$RUN/reserve"
[ -e "$STATE/claim" ] || rm -f "$STATE/alive"
sync "$STATE"
