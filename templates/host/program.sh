# program.sh NAME   Exits 0 where this program is there and can be run.
case $1 in
/*) [ -f "$1" ] && [ -x "$1" ] ;;
*) command -v -- "$1" >/dev/null ;;
esac
