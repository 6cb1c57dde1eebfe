# Ends the timer of a backup schedule, and removes its files. The backups stay.
# values: timer files...
#   files   PATH, the timer's first
{% include "host/lib/act.sh" %}
for path; do
    [ ! -e "$path" ] || grep -q '^# Written by orchestrator' "$path" || refuse "$path was not written by orchestrator"
done
[ ! -e "$1" ] || systemctl disable --quiet --now "$timer" || exit 1
rm -f "$@"
systemctl daemon-reload
