# Exits 0 if this run holds the host.
# values: state run
grep -q "\"run\":\"$run\"" "$state/claim" 2>/dev/null && exit 0
echo "held by: $(cat "$state/claim" 2>/dev/null || echo nobody)"
exit 1
