# timer.sh set TIMER PATH TEXT...   Writes the files of a schedule, each by a rename, and lets its timer run.
# timer.sh remove TIMER PATH...   Ends it and removes those files. The backups stay.
verb=$1 timer=$2
shift 2
if [ "$verb" = remove ]; then
    for path; do
        [ ! -e "$path" ] || grep -q '^# Written by orchestrator' "$path" || { echo "refused: $path is not ours"; exit 3; }
    done
    [ ! -e "$1" ] || systemctl disable --quiet --now "$timer" || exit 1
    rm -f "$@"
    systemctl daemon-reload
    exit
fi
while [ "$#" -gt 0 ]; do
    mkdir -p "${1%/*}" && printf '%s' "$2" >"$1.part" && chmod 600 "$1.part" && sync "$1.part" && mv "$1.part" "$1" &&
        sync "${1%/*}" || exit 1
    shift 2
done
systemctl daemon-reload && systemctl enable --quiet "$timer" && systemctl restart "$timer"
