# Exits 0 if each file of the schedule is as planned, and the timer runs.
# values: timer files...
#   files   PATH and SHA256 by turns
while [ "$#" -gt 0 ]; do
    [ -e "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ] || { echo "$1 is not as planned"; exit 1; }
    shift 2
done
systemctl is-active --quiet "$timer" || { echo "$timer does not run"; exit 1; }
