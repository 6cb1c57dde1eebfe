# reinit.sh DATA   Asks etcd's pod to throw this member's data away, and to join the others as a new, empty member.
# Vendor's page, "Restoring single etcd instance". Other words in that file mean other things: none is ever written.
#   RUN/result.before   the pod's last command-result as it was, so that a new one can be told from it
data=$1 before=$STATE/$RUN/result.before
if [ -e "$data/command" ]; then
    [ "$(cat "$data/command")" = reinitialize ] && [ -e "$before" ] && exit 0 # of an earlier attempt, and not yet obeyed
    echo "refused: $data/command is there, and is not of this run"
    exit 3
fi
stat -c '%i %s %y' "$data/command-result" >"$before.part" 2>/dev/null
sync "$before.part" && mv "$before.part" "$before" && sync "$STATE/$RUN" || exit 1
order=$data/.command.kr-$RUN
echo reinitialize >"$order" && sync "$order" && mv "$order" "$data/command" && sync "$data"
