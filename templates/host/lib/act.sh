# What acts share: the guards before they touch etcd's data, and the marks that they leave in the run's folder.
refuse() {
    echo "refused: $*"
    exit 3
}
refuse_unless_held() { # [UNDONE]: by this run, or by the run that it undoes
    case $(cat "$STATE/hold" 2>/dev/null) in "$RUN" | "${1:-$RUN}") ;; *) refuse "this host is not held" ;; esac
}
refuse_if_etcd_runs() { # MEMBER: etcd locks its database; without the test, flock would create the file
    [ ! -e "$1/snap/db" ] || flock -n "$1/snap/db" true || refuse "an etcd runs on $1"
}
publish() { # FILE: FILE.part is written; FILE appears whole, by a rename
    sync "$1.part" && mv "$1.part" "$1" && sync "${1%/*}"
}
