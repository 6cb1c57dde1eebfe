# etcd's log where it lies apart from its data. Its folder may be mounted by itself, which cannot be renamed. So the folder
# stays, and etcd's own files move, by one rename each, into a folder of ours within it and out again. etcd passes over
# names there that do not end in .wal (etcd 3.5, server/storage/wal/util.go); what else lies there is not ours to move.

log_files() { # FOLDER: the names of etcd's own files there, if there are any
    (cd "$1" 2>/dev/null && for file in *.wal *.wal.broken *.tmp; do [ ! -f "$file" ] || echo "$file"; done)
}

log_stated() { # FORMAT FOLDER: what `stat` says of them. Fails where the list would be cut short.
    log_files "$2" | {
        code=0
        while IFS= read -r file; do (cd "$2" && stat -c "$1" "$file") || code=1; done
        exit "$code"
    }
}

move_log() { # FROM TO [COMMAND...]: all of them, or those for which COMMAND FILE succeeds; again, it moves the rest
    from=$1 to=$2
    shift 2
    [ $# -gt 0 ] || set -- true
    log_files "$from" | while IFS= read -r file; do
        "$@" "$from/$file" || continue
        [ ! -e "$to/$file" ] || { echo "refused: $to/$file is there"; exit 3; }
        { [ -d "$to" ] || mkdir "$to"; } && mv "$from/$file" "$to/$file" || exit 1
    done && for folder in "$from" "$to"; do [ ! -d "$folder" ] || sync "$folder" || return 1; done
}

# Which of the two logs a file is of, while both lie there: the one that a run has restored, by LIST, its `staged`, or the
# one that it has set aside, by LIST, its `kept.stats`.
restored_log() { # LIST FILE
    known=$(stat -c '%i %W' "$2") && grep -qs "^$known .* wal/" "$1"
}
old_log() { # LIST FILE
    known=$(cd "${2%/*}" && stat -c '%i %s %Y wal/%n' "${2##*/}") && grep -qsxF "$known" "$1"
}
not_old_log() { ! old_log "$@"; }

give_log_folder() { # WAL 'UID:GID MODE LABEL': one without a log, such as a new disk, may be nobody's of etcd's, or not there
    [ -z "$(log_files "$1")" ] || return 0
    set -f # the label may be `?`
    set -- "$1" $2
    set +f
    [ "$(stat -c %u:%g "$1" 2>/dev/null)" != "$2" ] || return 0
    mkdir -p "$1" && chown "$2" "$1" && chmod "$3" "$1" && case ${4:-?} in '?') ;; *) chcon "$4" "$1" ;; esac
}
