# Removes what run UNDONE made on this host, and nothing that is not named after it; with the snapshot, the parts of it
# that interrupted transfers have left.
{% include "host/lib/act.sh" %}
for path; do
    case $path in
    "$STATE/$undone"/snapshot.db* | "$STATE/$undone"/etcdutl | "$STATE/$undone"/etcd | "$STATE/$undone"/etcd.part) ;;
    */kr-"$undone":0 | *.kr-"$undone".staged.tmp) ;;
    *.kr-"$undone" | *.kr-"$undone".part | *.kr-"$undone"-* | *.kr-"$undone".staged | *.kr-"$undone".staged.part | *.kr-"$undone".staged.part.tmp) ;;
    *) refuse "$path is not named after run $undone" ;;
    esac
    set -- "$path"
    case $path in */snapshot.db) set -- "$path" "$path".receiver "$path".part.* ;; esac
    for made; do
        [ ! -e "$made" ] || { rm -rf "$made" && sync "${made%/*}"; } || exit 1
    done
done
