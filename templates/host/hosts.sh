# hosts.sh put|remove HOSTS BLOCK   The lines between our two markers, and no other byte of the file.
hosts=$2
begin="# orchestrator $RUN begin"
end="# orchestrator $RUN end"
new=$STATE/$RUN/hosts.new
[ -e "$STATE/$RUN/hosts.before" ] || cp -p "$hosts" "$STATE/$RUN/hosts.before"

ours=no
while IFS= read -r line || [ -n "$line" ]; do
    case $line in "$begin") ours=yes ;; esac
    [ "$ours" = yes ] || printf '%s\n' "$line"
    case $line in "$end") ours=no ;; esac
done <"$hosts" >"$new"
[ "$1" != put ] || printf '%s\n%s\n%s\n' "$begin" "$3" "$end" >>"$new"
# A file without a last newline keeps that habit once our block is gone.
if [ "$1" = remove ] && [ "$(sha256sum <"$STATE/$RUN/hosts.before")" != "$(sha256sum <"$new")" ] &&
    [ "$(cat "$STATE/$RUN/hosts.before")" = "$(cat "$new")" ]; then
    cat "$STATE/$RUN/hosts.before" >"$new"
fi

cp -p "$hosts" "$hosts.kr-$RUN" && cat "$new" >"$hosts.kr-$RUN" && sync "$hosts.kr-$RUN"
# In a container the file is a mount point: a rename onto it fails, writing into it works.
mv "$hosts.kr-$RUN" "$hosts" 2>/dev/null || { cat "$new" >"$hosts" && rm -f "$hosts.kr-$RUN"; }
sync "$hosts"
