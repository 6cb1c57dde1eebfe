# run_facts STATE: which run holds the host, and the newest attempt of every run
run_facts() {
    [ -d "$1" ] || return 0
    [ ! -e "$1/hold" ] || fact hold <"$1/hold"
    for folder in "$1"/*/; do
        folder=${folder%/}
        [ ! -e "$folder/attempt" ] || echo "${folder##*/} $(cat "$folder/attempt")"
    done | fact attempts
    [ -e "$1/claim" ] || return 0
    fact claim <"$1/claim"
    # Without the file the holder's attempt has ended: nobody to wait for.
    if beat=$(stat -c %Y "$1/alive" 2>/dev/null); then echo $(($(date +%s) - beat)); else echo ended; fi | fact silent_s
}
