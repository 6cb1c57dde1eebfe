# returned.sh STATE RUN DATA MEMBER   Exits 0 where the old data is back in its place, and nothing is scheduled.
list=$1/$2/returned
[ -e "$list" ] || { echo "the old data is not back yet"; exit 1; }
if [ "$(cat "$list")" = none ]; then
    [ ! -e "$4" ] || { echo "$4 is there, but this master had no old data"; exit 1; }
else
    [ -d "$4" ] || { echo "$4 is gone"; exit 1; }
fi
for name in restore.db command; do
    [ ! -e "$3/$name" ] || { echo "$3/$name lies there"; exit 1; }
done
