hold=$STATE/hold
[ ! -e "$hold" ] || [ "$(cat "$hold")" = "${undone:-$RUN}" ] || exit 1
rm -f "$hold" && sync "$STATE"
