# unplaced.sh STATE UNDONE MEMBER KEPT   Exits 0 where the old data lies where it lay, and nothing that the run restored.
[ ! -e "$4" ] && [ ! -e "$4.empty" ] || { echo "the old data is in $4"; exit 1; }
line=$(stat -c '%i %W' "$3/snap/db" 2>/dev/null) || exit 0
grep -qs "^$line .* \./snap/db\$" "$1/$2/staged" || exit 0
echo "$3 is what run $2 has restored"
exit 1
