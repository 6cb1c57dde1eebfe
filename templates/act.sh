#!/bin/sh
# One act on one host, detached from whoever started it. It lies beside its step while it runs, and after,
# as evidence. It runs `run`, the text beside it, once, and writes down how that ended.
#
#   started   boot id, pid, the pid's start time, seconds since 1970; written before the first changing byte
#   log       what the act printed
#   exit      its exit status; appears complete, by a rename, or not at all
state=$1 run=$2 attempt=$3 step=$4 timeout_s=$5 lets_go=$6
dir=$state/$run/steps/$step/$attempt
umask 077
export LC_ALL=C
cd / || exit 1

start_time() { # of a pid, in clock ticks since the boot: a pid alone may be somebody else's by now
    read -r stat <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
}

exec 9>>"$state/lock"
flock 9
# The fence: an attempt that is no longer the newest may not change a byte.
[ "$(cat "$state/$run/attempt")" = "$attempt" ] || exit 0
# An act runs once per attempt, however often it was asked for.
[ ! -e "$dir/started" ] || exit 0
# By a rename, like `exit`: whoever looks must not see half a line. What is not on disk has not begun.
echo "$(cat /proc/sys/kernel/random/boot_id) $$ $(start_time $$) $(date +%s)" >"$dir/started.part" &&
    sync "$dir/started.part" && mv "$dir/started.part" "$dir/started" && sync "$dir" || exit 1

export STATE="$state" RUN="$run" ATTEMPT="$attempt" STEP="$step"
if [ "$lets_go" = 1 ]; then # a service started here must not keep our lock
    timeout -k 10 "$timeout_s" sh "$dir/run" </dev/null >"$dir/log" 2>&1 9>&-
else
    timeout -k 10 "$timeout_s" sh "$dir/run" </dev/null >"$dir/log" 2>&1
fi
code=$?

end() { echo "$code" >"$dir/exit.part"; } 2>/dev/null
if ! end; then
    rm -f "$state/$run/reserve" # a full disk must not hide how the act ended
    end || exit 1 # somebody else took that room: no end, which reads as died, and never an empty one
fi
sync "$dir/log" "$dir/exit.part"
mv "$dir/exit.part" "$dir/exit"
sync "$dir"
