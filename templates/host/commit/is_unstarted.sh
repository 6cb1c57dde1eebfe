# Exits 0 if that run has started nothing.
# values: run starts
#   starts   the beginning of the folders of all steps that start something
for started in "$starts"*/*/started; do
    [ ! -e "$started" ] || { echo "run $run has begun to start services"; exit 1; }
done
