{% include "host/lib/processes.sh" %}
uptime() { # in hundredths of a second
    read -r up _ </proc/uptime && echo "${up%.*}${up#*.}"
}
send() { # SIGNAL LINE WHY
    set -- "$1" "$3" $2 # SIGNAL WHY PID START NAME
    [ "$(start_of "$3")" = "$4" ] || return 0
    echo "$5 (pid $3) $2: SIG$1"
    kill -s "$1" "$3" 2>/dev/null || :
}
# end_processes FIND: waits until no process that FIND prints is alive. One that nobody has told to end gets SIGTERM at
# once; after SECONDS each gets SIGTERM, and as long after that SIGKILL.
end_processes() {
    find=$1 unasked=''
    # Whoever should send the first signal may be down.
    [ -z "$ender" ] || systemctl is-active --quiet -- "$ender" || unasked="is not ended by $ender, which is down"
    deadline=$(($(uptime) + 200 * seconds + 3000))
    while alive=$($find) && [ -n "$alive" ]; do
        now=$(uptime)
        [ "$now" -lt "$deadline" ] || break
        while read -r pid start name; do
            seen='' stage=''
            eval "seen=\${seen_$pid:-} stage=\${stage_$pid:-}"
            if [ "${seen%/*}" != "$start" ]; then # first seen now
                eval "seen_$pid=$start/$now stage_$pid=first"
                [ -z "$unasked" ] || send TERM "$pid $start $name" "$unasked"
            elif [ "$stage" = first ] && [ $((now - ${seen#*/})) -ge $((100 * seconds)) ]; then
                eval "stage_$pid=second"
                send TERM "$pid $start $name" "did not end within $seconds s"
            elif [ "$stage" = second ] && [ $((now - ${seen#*/})) -ge $((200 * seconds)) ]; then
                eval "stage_$pid=killed"
                send KILL "$pid $start $name" "did not end within $((2 * seconds)) s"
            fi
        done <<EOF
$alive
EOF
        sleep 0.1
    done
    [ -z "$alive" ] || { echo "$alive" | while read -r pid _ name; do echo "$name (pid $pid) is still alive"; done; exit 1; }
}
