# unstarted.sh STATE RUN   Exits 0 where that run has started nothing.
for started in "$1/$2"/steps/start.*/*/started; do
    [ ! -e "$started" ] || { echo "run $2 has begun to start services"; exit 1; }
done
