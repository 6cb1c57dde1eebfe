# Exits 0 if the old data is in its place, and nothing that the run restored.
# values: state undone member kept
[ ! -e "$kept" ] && [ ! -e "$kept.empty" ] || { echo "the old data is in $kept"; exit 1; }
line=$(stat -c '%i %W' "$member/snap/db" 2>/dev/null) || exit 0
grep -qs "^$line .* \./snap/db\$" "$state/$undone/staged" || exit 0
echo "$member is what run $undone has restored"
exit 1
