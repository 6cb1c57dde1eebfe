# reinited.sh STATE RUN DATA   Exits 0 where the pod has obeyed, and left a new command-result. Until then it says what the pod's
# log has said last since it was asked (vendor's page, "Restoring single etcd instance": the log holds the result as well).
before=$1/$2/result.before data=$3
[ -e "$before" ] || { echo "not asked yet"; exit 1; }
not_yet() {
    newest=$(timeout 10 docker ps --all --quiet --filter name=k8s_etcd_k8s-etcd- 2>/dev/null | head -n 1)
    [ -z "$newest" ] || said=$(timeout 10 docker logs --since "$(stat -c %Y "$before")" --tail 1 "$newest" 2>&1 | head -c 300)
    echo "$1${said:+; its log: $said}"
    exit 1
}
[ ! -e "$data/command" ] || not_yet "$data/command still lies there: the pod has not come to it, or is at it"
now=$(stat -c '%i %s %y' "$data/command-result" 2>/dev/null)
[ "$now" != "$(cat "$before")" ] || not_yet "the pod has left no new $data/command-result"
said=$(head -c 400 "$data/command-result" | tr '\n' ' ')
case $said in *fail* | *rror*) echo "the pod says: $said"; exit 1 ;; esac
