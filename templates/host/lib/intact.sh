{% include "host/lib/member_files.sh" %}
# is_intact LIST KEPT [KEPT_WAL]: whether the old data is what LIST.sums says or, if it was only renamed, LIST.stats
is_intact() {
    if [ -s "$1.sums" ]; then
        [ "$(cd "$2" && find . -type f -exec sha256sum {} + | sort)" = "$(sort "$1.sums")" ]
    else
        [ -s "$1.stats" ] && [ "$(list_old "$2" "${3-}")" = "$(cat "$1.stats")" ]
    fi
}
