# Removes the drop-ins of the hold; drop-ins of others stay.
# values: folder units...
for unit; do
    rm -f "$folder/$unit.d/50-orchestrator-hold.conf"
    rmdir "$folder/$unit.d" 2>/dev/null || :
done
systemctl daemon-reload
