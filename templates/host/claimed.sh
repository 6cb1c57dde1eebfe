# claimed.sh STATE RUN   Exits 0 where this run holds the host.
grep -q "\"run\":\"$2\"" "$1/claim" 2>/dev/null && exit 0
echo "held by: $(cat "$1/claim" 2>/dev/null || echo nobody)"
exit 1
