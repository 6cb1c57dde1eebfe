# Removes snapshots that backups have left here because their laptop died, a day old or older: each holds every Secret of
# the cluster. A restore's own safety snapshot stays, because that run has a plan.
# values: taking
#   taking   the step that takes a backup's snapshot
for steps in "$STATE"/*/steps/"$taking"; do
    folder=${steps%/steps/*}
    [ -d "$steps" ] && [ ! -e "$folder/plan.json" ] || continue
    find "$folder" -maxdepth 1 -name 'safety.db*' -mmin +1440 -exec rm -f {} + || exit 1
done
