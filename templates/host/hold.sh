# hold.sh set|lift|clear UNIT_FOLDER UNIT...   What is stopped stays stopped, through reboots and socket activation.
# `set` makes the hold file and a drop-in per unit, `lift` takes the file away, `clear` the drop-ins.
# hold.sh lift UNIT_FOLDER [RUN]   The hold of RUN, where this run takes it back.
verb=$1 folder=$2
shift 2
hold=$STATE/hold
case $verb in
set)
    echo "$RUN" >"$hold.part" && sync "$hold.part" && mv "$hold.part" "$hold" && sync "$STATE" || exit 1
    for unit; do
        mkdir -p "$folder/$unit.d" || exit 1
        printf '[Unit]\nConditionPathExists=!%s\n' "$hold" >"$folder/$unit.d/50-orchestrator-hold.conf" || exit 1
        sync "$folder/$unit.d/50-orchestrator-hold.conf" "$folder/$unit.d" || exit 1
    done
    sync "$folder" && systemctl daemon-reload
    ;;
lift)
    [ ! -e "$hold" ] || [ "$(cat "$hold")" = "${1:-$RUN}" ] || exit 1
    rm -f "$hold" && sync "$STATE"
    ;;
clear)
    for unit; do
        rm -f "$folder/$unit.d/50-orchestrator-hold.conf"
        rmdir "$folder/$unit.d" 2>/dev/null || : # somebody else's drop-ins stay
    done
    systemctl daemon-reload
    ;;
esac
