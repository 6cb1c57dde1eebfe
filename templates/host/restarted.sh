# restarted.sh STATE RUN STEP reboot|services KUBELET   Exits 0 where the host, or its kubelet, started after that step
# began there; prints when, in seconds since 1970 by this host's clock.
ticks() { # when a process started, in clock ticks since the boot
    stat=$(cat "/proc/$1/stat" 2>/dev/null) && set -- ${stat##*) } && echo "${20}"
}
for started in "$1/$2/steps/$3"/*/started; do
    [ -e "$started" ] && read -r boot _ began _ <"$started"
done
[ -n "$began" ] || { echo "not restarted yet"; exit 1; }
same_boot=$([ "$boot" != "$(cat /proc/sys/kernel/random/boot_id)" ] || echo yes)
if [ "$4" = reboot ]; then
    since=$(ticks 1)
    # A container's boot id is its machine's: there only the age of its first process tells.
    [ "$same_boot" != yes ] || [ "$since" -gt "$began" ] || { echo "not rebooted yet"; exit 1; }
else
    pid=$(systemctl show --property=MainPID -- "$5")
    since=$(ticks "${pid#*=}") || { echo "$5 is not back yet"; exit 1; }
    [ "$same_boot" != yes ] || [ "$since" -gt "$began" ] || { echo "$5 is not back yet"; exit 1; }
fi
grep '^btime ' /proc/stat | { read -r _ boot_s; echo $((boot_s + since / 100)); } # 100 ticks a second on Linux
