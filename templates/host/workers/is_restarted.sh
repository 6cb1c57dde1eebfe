# Exits 0 if the host, or its kubelet, started after that step began there; prints when, in seconds since 1970 by this
# host's clock.
# values: restarts how kubelet
#   restarts   the folder of the step that restarts the worker
#   how        reboot or services
ticks() { # PID: when the process started, in clock ticks since the boot
    stat=$(cat "/proc/$1/stat" 2>/dev/null) && set -- ${stat##*) } && echo "${20}"
}
boot= began=
for started in "$restarts"/*/started; do
    [ -e "$started" ] && read -r boot _ began _ <"$started"
done
[ -n "$began" ] || { echo "not restarted yet"; exit 1; }
same_boot=$([ "$boot" != "$(cat /proc/sys/kernel/random/boot_id)" ] || echo yes)
if [ "$how" = reboot ]; then
    since=$(ticks 1)
    # A container's boot id is its machine's: there only the age of its first process shows a reboot.
    [ "$same_boot" != yes ] || [ "$since" -gt "$began" ] || { echo "not rebooted yet"; exit 1; }
else
    pid=$(systemctl show --property=MainPID -- "$kubelet")
    since=$(ticks "${pid#*=}") || { echo "$kubelet is not back yet"; exit 1; }
    [ "$same_boot" != yes ] || [ "$since" -gt "$began" ] || { echo "$kubelet is not back yet"; exit 1; }
fi
grep '^btime ' /proc/stat | { read -r _ boot_s; echo $((boot_s + since / 100)); } # 100 ticks a second on Linux
