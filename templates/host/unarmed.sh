# unarmed.sh DATA   Exits 0 where nothing is scheduled for the next start of etcd.
for name in restore.db command; do
    [ ! -e "$1/$name" ] || { echo "$1/$name lies there"; exit 1; }
done
