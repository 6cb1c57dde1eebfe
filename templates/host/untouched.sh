# untouched.sh DATA KEPT   Exits 0 where the old data lies where it lay, and nothing is scheduled for the next start.
[ ! -e "$2" ] || { echo "the old data is in $2"; exit 1; }
for name in restore.db command; do
    [ ! -e "$1/$name" ] || { echo "$1/$name lies there"; exit 1; }
done
