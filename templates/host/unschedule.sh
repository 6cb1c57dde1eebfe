# unschedule.sh DATA UNDONE   Renames the restore.db that run UNDONE has scheduled. Nothing else in the volume is touched.
data=$1 undone=$2
[ -e "$data/restore.db" ] || exit 0
set -- "$STATE/$undone"/steps/commit.schedule/*/started
[ -e "$1" ] || { echo "refused: $data/restore.db is not from run $undone"; exit 3; }
aside=$data/restore.db.kr-$undone
[ ! -e "$aside" ] || aside=$aside-$RUN
mv "$data/restore.db" "$aside" && sync "$data"
