#!/bin/sh
# beside.sh TARGET OTHER...   Runs `make TARGET` beside `make OTHER...` and prints its output at the end.
# Fails if either fails.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
make --no-print-directory "$1" >"$log" 2>&1 &
beside=$!
name=$1
shift
make --no-print-directory "$@"
code=$?
echo "== make $name"
wait "$beside" || code=$?
cat "$log"
exit "$code"
