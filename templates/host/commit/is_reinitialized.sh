# Exits 0 if the pod has obeyed, and left a new command-result. Until then it prints the last line of the pod's log since
# it was told (vendor's page, "Restoring single etcd instance": the log has the result too).
# values: state run data
before=$state/$run/result.before
[ -e "$before" ] || { echo "not scheduled yet"; exit 1; }
not_yet() {
    newest=$(timeout 10 docker ps --all --quiet --filter name=k8s_etcd_k8s-etcd- 2>/dev/null | head -n 1)
    said=
    [ -z "$newest" ] || said=$(timeout 10 docker logs --since "$(stat -c %Y "$before")" --tail 1 "$newest" 2>&1 | head -c 300)
    echo "$1${said:+; its log: $said}"
    exit 1
}
[ ! -e "$data/command" ] || not_yet "$data/command still exists: the pod has not read it, or is carrying it out"
now=$(stat -c '%i %s %y' "$data/command-result" 2>/dev/null)
[ "$now" != "$(cat "$before")" ] || not_yet "the pod has left no new $data/command-result"
said=$(head -c 400 "$data/command-result" | tr '\n' ' ')
case $said in *fail* | *rror*) echo "the pod says: $said"; exit 1 ;; esac
