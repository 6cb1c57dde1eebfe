# stat_files FORMAT FOLDER...: what `stat` prints for every file below, sorted by name. Fails if the list is incomplete.
# Not by find's own -exec: busybox's find would run busybox's stat, which does not know the birth time (%W).
stat_files() {
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
