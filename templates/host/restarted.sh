# restarted.sh STATE RUN STEP reboot|services KUBELET   Exits 0 where the host, or its kubelet, started after that step
# began there; prints when, in seconds since 1970 by this host's clock.
epoch() { # of a process: its start is counted in ticks (100 a second on Linux) since the boot
    stat=$(cat "/proc/$1/stat" 2>/dev/null) && set -- ${stat##*) } || return 1
    echo $(($(grep '^btime ' /proc/stat | { read -r _ boot; echo "$boot"; }) + ${20} / 100))
}
for started in "$1/$2/steps/$3"/*/started; do
    [ -e "$started" ] && read -r boot _ _ began <"$started"
done
[ -n "$began" ] || { echo "not restarted yet"; exit 1; }
if [ "$4" = reboot ]; then
    since=$(epoch 1)
    [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$since" -lt "$began" ] && { echo "not rebooted yet"; exit 1; }
else
    pid=$(systemctl show --property=MainPID -- "$5")
    since=$(epoch "${pid#*=}") && [ "$since" -ge "$began" ] || { echo "$5 is not back yet"; exit 1; }
fi
echo "$since"
