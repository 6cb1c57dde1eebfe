{% include "host/stats.sh" %}
# intact LIST KEPT [KEPT_WAL]: whether old data is what LIST.sums or, where it was only renamed, LIST.stats says
intact() {
    if [ -s "$1.sums" ]; then
        [ "$(cd "$2" && find . -type f -exec sha256sum {} + | sort)" = "$(sort "$1.sums")" ]
    else
        [ -s "$1.stats" ] && [ "$(stats "$2" "${3-}")" = "$(cat "$1.stats")" ]
    fi
}
