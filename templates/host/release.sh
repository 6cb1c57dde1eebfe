# release.sh   Gives the host back. The run's folder stays: it holds the old data's list and the evidence.
grep -q "\"run\":\"$RUN\"" "$STATE/claim" 2>/dev/null || exit 0
mv "$STATE/claim" "$STATE/$RUN/claim.released"
rm -f "$STATE/$RUN/claim" "$STATE/alive" "$STATE/$RUN/reserve"
sync "$STATE"
