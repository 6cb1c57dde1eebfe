# Exits 0 if every unit runs.
# values: units...
code=0
for unit; do
    now=$(systemctl show --property=ActiveState -- "$unit")
    case $now in *=active) ;; *) echo "$unit is ${now#*=}"; code=1 ;; esac
done
exit $code
