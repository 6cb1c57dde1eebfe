# Finds out which processes still run, and deletes what an interrupted transfer from host to host has left.
start_time() { # PID: its start time in clock ticks since the boot; fails if no process has that pid, or a zombie
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null && set -- ${stat##*) } && [ "$1" != Z ] && echo "${20}"
}

alive() { # boot id, pid, start time: does that process still run?
    [ "$1" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ -n "$3" ] && [ "$(start_time "$2")" = "$3" ]
}

stop_receiver() { # FILE: kills the receiver that it names, which could still append to the part without its laptop
    [ -e "$1" ] || return 0
    read -r boot pid since <"$1"
    for _ in 1 2 3 4 5; do
        alive "$boot" "$pid" "$since" || break
        kill -9 "$pid"
        sleep 0.1
    done
    rm -f "$1"
}

# forget STATE RUN: deletes what a transfer from host to host has left here if its laptop is gone; see relay.sh
forget() {
    if [ -e "$1/$2/relay.keys" ]; then
        while read -r keys; do shut_out "$2" "$keys" || return 1; done <"$1/$2/relay.keys"
        rm -f "$1/$2/relay.keys"
    fi
    for known in "$1/$2"/relay.*/reader "$1/$2"/relay.*/hop; do stop_receiver "$known"; done
    rm -rf "$1/$2"/relay.* "/run/orchestrator-$2"
}

shut_out() { # RUN[.TRY] AUTHORIZED_KEYS: removes the lines of that run or try; all other bytes stay
    ours=" orchestrator-$1\\(\\.[a-z0-9.-]*\\)*\$"
    [ -e "$2" ] && mark=$(grep -o "$ours" "$2" | head -n 1) && [ -n "$mark" ] || return 0
    real=$(readlink -f "$2") && cp -a "$real" "$real.kr-$1" || return 1
    grep -v "$ours" "$real" >"$real.kr-$1"
    case $mark in
    *.file*)
        if [ ! -s "$real.kr-$1" ]; then
            rm -f "$real" "$real.kr-$1"
            case $mark in *.folder*) rmdir "${real%/*}" 2>/dev/null ;; esac
            return 0
        fi
        ;;
    *.open*) # its last line had no end
        lines=$(cat "$real.kr-$1") && printf %s "$lines" >"$real.kr-$1" || return 1
        ;;
    esac
    sync "$real.kr-$1" && mv "$real.kr-$1" "$real"
}
