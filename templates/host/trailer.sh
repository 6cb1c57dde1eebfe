# etcd ends a snapshot with the sha256 of all that comes before it (etcd 3.5, api/v3rpc/maintenance.go).
size=$(stat -c %s "$safety.part")
sum=$(head -c $((size - 32)) "$safety.part" | sha256sum)
trailer=$(tail -c 32 "$safety.part" | od -An -v -tx1 | tr -d ' \n')
if [ "${sum%% *}" != "$trailer" ]; then
    echo "the safety snapshot is damaged: its sha256 trailer does not fit"
    exit 1
fi
sync "$safety.part"
mv "$safety.part" "$safety"
sync "$STATE/$RUN"
