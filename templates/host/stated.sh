# stated FORMAT FOLDER...: what `stat` says of every file below, by name. Not by find's own -exec: busybox's find would take
# busybox's stat, which knows no birth (%W). Fails where a list would be cut short.
stated() {
    format=$1
    shift
    names=$(find "$@" -type f) || return 1
    printf '%s\n' "$names" | sort | {
        code=0
        while IFS= read -r name; do
            [ -z "$name" ] || stat -c "$format" "$name" || code=1
        done
        exit "$code"
    }
}
