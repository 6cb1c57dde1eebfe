# Exits 0 if this program exists and can be run.
# values: program
case $program in
/*) [ -f "$program" ] && [ -x "$program" ] ;;
*) command -v -- "$program" >/dev/null ;;
esac
