# program.sh NAME   Exits 0 where this program is there and can be run.
command -v -- "$1" >/dev/null
