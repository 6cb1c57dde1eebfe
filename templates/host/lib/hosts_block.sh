# Writes the lines between the two markers of RUN into the file HOSTS, and changes no other byte of it. Without LINES it
# removes them.
#   RUN/hosts.before   the file before that run touched it
#   RUN/hosts.whole    what it becomes, while it is written in place; a half-written file is written again from here
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
[ -z "$lines" ] || printf '%s\n%s\n%s\n' "$begin" "$lines" "$end" >>"$new" || exit 1
# A file without a last newline has none again once our block is gone.
if [ -z "$lines" ] && [ "$(sha256sum <"$before")" != "$(sha256sum <"$new")" ] && [ "$(cat "$before")" = "$(cat "$new")" ]; then
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
