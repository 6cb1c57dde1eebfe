# Exits 0 if every unit is held down.
# values: state run folder units...
[ "$(cat "$state/hold" 2>/dev/null)" = "$run" ] || { echo "the hold file is gone"; exit 1; }
for unit; do
    [ -e "$folder/$unit.d/50-orchestrator-hold.conf" ] || { echo "$unit is not held"; exit 1; }
done
