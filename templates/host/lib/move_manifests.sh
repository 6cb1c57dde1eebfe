# move FROM TO FILE...: moves static pods' manifests, by a rename each, so that kubelet sees a whole file or none. A file
# that somebody has put there meanwhile is not overwritten.
move() {
    from=$1 to=$2
    shift 2
    for file; do
        [ -e "$from/$file" ] || continue
        [ ! -e "$to/$file" ] || { echo "refused: both $from/$file and $to/$file exist"; exit 3; }
        mv "$from/$file" "$to/$file" || exit 1
    done
    [ ! -d "$aside" ] || sync "$aside"
    sync "$manifests"
}
