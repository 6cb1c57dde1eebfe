for unit; do
    now=$(systemctl show --property=ActiveState -- "$unit")
    case $now in *=inactive | *=failed) ;; *) echo "$unit is ${now#*=}"; code=1 ;; esac
done
exit $code
