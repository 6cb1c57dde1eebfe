# disarm.sh DATA   A restore.db that is left behind would restore again at every later pod start, and lose
# all that was written since. It is renamed where the member has been proven to be restored.
[ -e "$1/restore.db" ] || exit 0
mv "$1/restore.db" "$1/restore.db.kr-$RUN" && sync "$1"
