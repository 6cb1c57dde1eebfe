# Keeps stopped units down, through reboots and socket activation.
# values: folder units...
#   folder       where the drop-ins go, one for each unit: it starts only without the hold file
#   STATE/hold   the hold file, with the run's id
hold=$STATE/hold
echo "$RUN" >"$hold.part" && sync "$hold.part" && mv "$hold.part" "$hold" && sync "$STATE" || exit 1
for unit; do
    mkdir -p "$folder/$unit.d" || exit 1
    printf '[Unit]\nConditionPathExists=!%s\n' "$hold" >"$folder/$unit.d/50-orchestrator-hold.conf" || exit 1
    sync "$folder/$unit.d/50-orchestrator-hold.conf" "$folder/$unit.d" || exit 1
done
sync "$folder" && systemctl daemon-reload
