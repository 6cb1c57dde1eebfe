# Renames the restore.db that run UNDONE has scheduled. Nothing else in the volume is touched.
# values: data undone schedules
#   schedules   the folder of the step by which that run schedules it
{% include "host/lib/act.sh" %}
[ -e "$data/restore.db" ] || exit 0
set -- "$schedules"/*/started
[ -e "$1" ] || refuse "$data/restore.db is not from run $undone"
aside=$data/restore.db.kr-$undone
[ ! -e "$aside" ] || aside=$aside-$RUN
mv "$data/restore.db" "$aside" && sync "$data"
