# running.sh UNIT...   Exits 0 where every unit runs.
code=0
for unit; do
    now=$(systemctl show --property=ActiveState -- "$unit")
    case $now in *=active) ;; *) echo "$unit is ${now#*=}"; code=1 ;; esac
done
exit $code
