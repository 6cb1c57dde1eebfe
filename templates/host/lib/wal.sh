# etcd's write-ahead log (WAL) in a folder of its own. That folder may be a mount point, which cannot be renamed. So the
# folder stays, and etcd's own files move, by one rename each, into a folder of ours inside it and out again. etcd skips
# names there that do not end in .wal (etcd 3.5, server/storage/wal/util.go); other files there are not ours to move.

wal_files() { # FOLDER: the names of etcd's own files there
    (cd "$1" 2>/dev/null && for file in *.wal *.wal.broken *.tmp; do [ ! -f "$file" ] || echo "$file"; done)
}

stat_wal() { # FORMAT FOLDER: what `stat` prints for them. Fails if the list is incomplete.
    wal_files "$2" | {
        code=0
        while IFS= read -r file; do (cd "$2" && stat -c "$1" "$file") || code=1; done
        exit "$code"
    }
}

move_wal() { # FROM TO [COMMAND...]: all of them, or those for which COMMAND FILE succeeds; a second call moves the rest
    from=$1 to=$2
    shift 2
    [ $# -gt 0 ] || set -- true
    wal_files "$from" | while IFS= read -r file; do
        "$@" "$from/$file" || continue
        [ ! -e "$to/$file" ] || { echo "refused: $to/$file already exists"; exit 3; }
        { [ -d "$to" ] || mkdir "$to"; } && mv "$from/$file" "$to/$file" || exit 1
    done && for folder in "$from" "$to"; do [ ! -d "$folder" ] || sync "$folder" || return 1; done
}

# While both logs are in one folder, these say which one a file belongs to: the restored one, by the run's LIST `staged`,
# or the one that was set aside, by its LIST `kept.stats`.
is_restored_wal() { # LIST FILE
    known=$(stat -c '%i %W' "$2") && grep -qs "^$known .* wal/" "$1"
}
is_old_wal() { # LIST FILE
    known=$(cd "${2%/*}" && stat -c '%i %s %Y wal/%n' "${2##*/}") && grep -qsxF "$known" "$1"
}
is_other_wal() { ! is_old_wal "$@"; }

give_wal_folder() { # WAL 'UID:GID MODE LABEL': a new disk's folder may have another owner, or be missing
    [ -z "$(wal_files "$1")" ] || return 0
    set -f # the label may be `?`
    set -- "$1" $2
    set +f
    [ "$(stat -c %u:%g "$1" 2>/dev/null)" != "$2" ] || return 0
    mkdir -p "$1" && chown "$2" "$1" && chmod "$3" "$1" && case ${4:-?} in '?') ;; *) chcon "$4" "$1" ;; esac
}
