# held.sh STATE RUN UNIT_FOLDER UNIT...   Exits 0 where every unit is held down.
state=$1 run=$2 folder=$3
shift 3
[ "$(cat "$state/hold" 2>/dev/null)" = "$run" ] || { echo "the hold file is gone"; exit 1; }
for unit; do
    [ -e "$folder/$unit.d/50-orchestrator-hold.conf" ] || { echo "$unit is not held"; exit 1; }
done
