# hosts.sh put HOSTS BLOCK   The lines between our two markers, and no other byte of the file.
# hosts.sh remove HOSTS [RUN]   Takes out what this run has put there, or RUN, which this run takes back.
#   RUN/hosts.before   the file as it was before that run touched it
#   RUN/hosts.whole    what it becomes, while it is written in place: half of that costs no line, for it goes on from here
hosts=$2 run=$RUN
[ "$1" = put ] || run=${3:-$RUN}
begin="# orchestrator $run begin"
end="# orchestrator $run end"
before=$STATE/$run/hosts.before new=$STATE/$run/hosts.new whole=$STATE/$run/hosts.whole
in_place() { cat "$whole" >"$hosts" && sync "$hosts" && rm -f "$whole"; }
[ ! -e "$whole" ] || in_place || exit 1
[ -e "$before" ] || { cp -p "$hosts" "$before.part" && sync "$before.part" && mv "$before.part" "$before"; } || exit 1

ours=no
while IFS= read -r line || [ -n "$line" ]; do
    case $line in "$begin") ours=yes ;; esac
    [ "$ours" = yes ] || printf '%s\n' "$line" || exit 1 # a full disk must not cost a line
    case $line in "$end") ours=no ;; esac
done <"$hosts" >"$new"
[ "$1" != put ] || printf '%s\n%s\n%s\n' "$begin" "$3" "$end" >>"$new" || exit 1
# A file without a last newline keeps that habit once our block is gone.
if [ "$1" = remove ] && [ "$(sha256sum <"$before")" != "$(sha256sum <"$new")" ] && [ "$(cat "$before")" = "$(cat "$new")" ]; then
    cat "$before" >"$new" || exit 1
fi

cp -p "$hosts" "$hosts.kr-$run" && cat "$new" >"$hosts.kr-$run" && sync "$hosts.kr-$run" ||
    { rm -f "$hosts.kr-$run"; exit 1; }
# In a container the file is a mount point: a rename onto it fails, writing into it works.
if ! mv "$hosts.kr-$run" "$hosts" 2>/dev/null; then
    rm -f "$hosts.kr-$run"
    sync "$new" && mv "$new" "$whole" && sync "$STATE/$run" && in_place || exit 1
fi
sync "$hosts"
