for name in restore.db command; do
    [ ! -e "$data/$name" ] || { echo "$data/$name exists"; exit 1; }
done
