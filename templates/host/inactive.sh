# inactive.sh UNIT...   Exits 0 where none of the units runs.
code=0
for unit; do
    now=$(systemctl show --property=ActiveState -- "$unit")
    case $now in *=inactive | *=failed) ;; *) echo "$unit is ${now#*=}"; code=1 ;; esac
done
exit $code
