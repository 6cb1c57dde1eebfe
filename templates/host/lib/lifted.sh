if [ -n "$lifts" ]; then
    for started in "$lifts"/*/started; do
        [ ! -e "$started" ] || exit 0
    done
fi
