# sweep.sh   Removes the snapshots that backups have left here whose laptop died, a day old or older: each holds every
# Secret of the cluster. A restore's own safety snapshot stays: that run has a plan.
for steps in "$STATE"/*/steps/backup.take; do
    folder=${steps%/steps/backup.take}
    [ -d "$steps" ] && [ ! -e "$folder/plan.json" ] || continue
    find "$folder" -maxdepth 1 -name 'safety.db*' -mmin +1440 -exec rm -f {} + || exit 1
done
