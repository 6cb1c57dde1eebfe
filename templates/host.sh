# Shell functions for one call on a host, included after host/lib/forget.sh. They are not stored on the host.
# The caller appends one line that names the function and its quoted arguments.
umask 077
export LC_ALL=C

put() { # RESERVE FILE TEXT: writes the file by a rename; on a full disk it deletes the reserve first
    { printf '%s\n' "$3" >"$2.part.$$"; } 2>/dev/null ||
        { rm -f "$1" && printf '%s\n' "$3" | cat >"$2.part.$$"; } && # cat names a full disk, dash does not
        sync "$2.part.$$" && mv "$2.part.$$" "$2"
}

sha256() { # of standard input, in hex; openssl uses the processor's own instructions, many distributions' coreutils none
    if command -v openssl >/dev/null; then sum=$(openssl dgst -sha256 -r); else sum=$(sha256sum); fi
    echo "${sum%% *}"
}

number() { echo "${1%%-*}"; } # an attempt is NUMBER-NONCE

# settle STATE RUN ATTEMPT WAIT_S
# Waits until no act runs, makes ATTEMPT the newest, and prints a line for each act: act STEP ATTEMPT STATE EXIT.
# Ends with `settled`, or with `fenced ATTEMPT` or `busy STEP/ATTEMPT`.
settle() {
    state=$1 run=$2 attempt=$3 wait_s=$4
    mkdir -p -m 700 "$state" "$state/$run" "$state/$run/steps" || return 1
    exec 9>>"$state/lock" || return 1
    if ! flock -w "$wait_s" 9; then
        echo "busy $(running_step "$state")"
        return 0
    fi
    newest=$(cat "$state/$run/attempt" 2>/dev/null || echo 0)
    if [ "$newest" != "$attempt" ]; then
        if [ "$(number "$newest")" -ge "$(number "$attempt")" ]; then
            echo "fenced $newest"
            return 0
        fi
        [ -e "$state/$run/reserve" ] || head -c 65536 /dev/zero >"$state/$run/reserve" 2>/dev/null
        put "$state/$run/reserve" "$state/$run/attempt" "$attempt" && sync "$state/$run" "$state" || return 1
    fi
    if grep -qs "\"run\":\"$run\"" "$state/claim"; then touch "$state/alive"; fi
    forget "$state" "$run"
    acts "$state" "$run"
    echo settled
}

running_step() { # STATE: the step whose act holds the lock, to show to the operator
    for started in "$1"/*/steps/*/*/started; do
        [ -e "$started" ] && [ ! -e "${started%started}exit" ] || continue
        read -r boot pid since _ <"$started"
        alive "$boot" "$pid" "$since" || continue
        dir=${started%/started} step=${started%/*/started}
        echo "${step##*/}/${dir##*/}"
        return
    done
    echo unknown
}

# acts STATE RUN: the state of every attempt at every step, from its markers
acts() {
    for dir in "$1/$2"/steps/*/*/; do
        [ -d "$dir" ] || continue
        dir=${dir%/}
        step=${dir%/*}
        echo "act ${step##*/} ${dir##*/} $(act_state "$dir")"
    done
}

act_state() { # FOLDER: the state of the attempt with these markers
    if [ -s "$1/exit" ]; then # an empty file is not an end
        echo "ended $(cat "$1/exit")"
    elif [ ! -e "$1/started" ]; then
        echo "waiting -"
    else
        read -r boot pid since _ <"$1/started"
        if alive "$boot" "$pid" "$since"; then
            echo "running -"
        elif [ -s "$1/exit" ]; then # it ended between our two looks
            echo "ended $(cat "$1/exit")"
        else
            echo "died -"
        fi
    fi
}

# act: `start`, then `join`. Prints what `join` prints, or `refused`.
act() { # WAIT_S, then the arguments of start
    wait_s=$1
    shift
    if start "$@"; then join "$1" "$2" "$3" "$4" "$wait_s"; else echo refused; fi
}

# start STATE RUN ATTEMPT STEP TIMEOUT_S LETS_GO WRAPPER RUN_TEXT
# Starts the act, detached. To start it twice is harmless: the wrapper runs it once.
start() {
    state=$1 run=$2 attempt=$3 step=$4
    dir=$state/$run/steps/$step/$attempt
    newest=$(cat "$state/$run/attempt" 2>/dev/null)
    if [ "$newest" != "$attempt" ]; then
        echo "fenced $newest"
        return 0
    fi
    [ ! -e "$dir/started" ] || return 0
    mkdir -p "$dir" || return 1
    # By renames: a wrapper of an earlier start may be reading these files.
    put "$state/$run/reserve" "$dir/act" "$7" && put "$state/$run/reserve" "$dir/run" "$8" || return 1
    if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
        unit=orchestrator-$run-$step-$attempt
        systemd-run --quiet --collect --unit="$unit" --property=KillMode=process \
            sh "$dir/act" "$state" "$run" "$attempt" "$step" "$5" "$6" ||
            systemctl is-active --quiet "$unit" || [ -e "$dir/started" ]
    else
        setsid sh "$dir/act" "$state" "$run" "$attempt" "$step" "$5" "$6" </dev/null >/dev/null 2>&1 &
    fi
}

# join STATE RUN ATTEMPT STEP TIMEOUT_S
# Waits for the end of an act. Prints `ended CODE`, `died -`, `fenced ATTEMPT` or, after TIMEOUT_S, `running -`;
# then a line `log` and the last of what the act printed.
join() {
    state=$1 run=$2 attempt=$3 step=$4 left=$(($5 * 10))
    dir=$state/$run/steps/$step/$attempt
    while :; do
        now=$(act_state "$dir")
        case $now in
        ended*) break ;;
        died*) # its wrapper did; a process that it has left holds the lock as long as it runs
            flock -n "$state/lock" true && break
            now="running -"
            ;;
        esac
        newest=$(cat "$state/$run/attempt")
        if [ "$newest" != "$attempt" ] && [ ! -e "$dir/started" ]; then
            now="fenced $newest"
            break
        fi
        left=$((left - 1))
        [ "$left" -gt 0 ] || break
        sleep 0.1
    done
    echo "$now"
    echo log
    [ ! -e "$dir/log" ] || tail -c 4096 "$dir/log"
}

# A push: `part`, `receive`, `finish`. Each try has its own part file, PATH.part.ATTEMPT.TRY, and takes over the part
# of an older try by a rename, so that a late receiver of that try has no file to append to.

newest_is() { # STATE RUN ATTEMPT: takes the lock; prints who fences us, or that the lock stays taken
    exec 9>>"$1/lock" && flock -w 60 9 || { echo busy; return 1; }
    newest=$(cat "$1/$2/attempt")
    [ "$newest" = "$3" ] || { echo "fenced $newest"; return 1; }
}

# part STATE RUN ATTEMPT PATH SHA256 PART
# Prints `whole` if the right file is at PATH already, or else `have BYTES SHA256` of the part.
part() {
    path=$4 part=$6
    newest_is "$1" "$2" "$3" || return 0
    if [ -e "$path" ] && [ "$(sha256 <"$path")" = "$5" ]; then
        echo whole
        return 0
    fi
    stop_receiver "$path.receiver"
    for older in "$path".part.*; do
        [ ! -e "$older" ] || [ "$older" = "$part" ] || mv "$older" "$part"
    done
    [ -e "$part" ] || : >"$part" || return 1
    echo "have $(stat -c %s "$part") $(sha256 <"$part")"
}

# receive PATH PART OFFSET: truncates the part to OFFSET bytes, then appends standard input
receive() {
    [ -e "$2" ] || return 1
    echo "$(cat /proc/sys/kernel/random/boot_id) $$ $(start_time $$)" | cat >"$1.receiver" && # cat: see `put`
        truncate -s "$3" "$2" && exec cat >>"$2"
}

# drop STATE RUN ATTEMPT PATH SHA256 PART: deletes a part after the disk was full
drop() {
    rm -f "$6" "$4.receiver"
}

# finish STATE RUN ATTEMPT PATH SHA256 PART: renames the part to PATH, if its sha256 is right and we are not fenced.
# Prints `whole`, `wrong SHA256` or `fenced ATTEMPT`.
finish() {
    path=$4
    newest_is "$1" "$2" "$3" || return 0
    rm -f "$path.receiver"
    sync "$6" && mv "$6" "$path" && sync "${path%/*}" || return 1
    sum=$(sha256 <"$path") # after the rename, so that it is the sum of the final file
    if [ "$sum" = "$5" ]; then
        echo whole
    else
        rm -f "$path"
        echo "wrong $sum"
    fi
}

# heartbeat STATE RUN ATTEMPT: touches `alive` for every line on standard input, while ATTEMPT is the newest
heartbeat() {
    while read -r _; do
        if [ "$(cat "$1/$2/attempt")" != "$3" ]; then
            echo "fenced $(cat "$1/$2/attempt")"
            return 0
        fi
        touch -c "$1/alive" && echo beat # not created: an attempt that has ended has deleted it
    done
}
