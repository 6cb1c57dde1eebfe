#!/bin/sh
# Runs one act on one host, detached from the process that started it: it runs `run`, the file next to this one, once,
# and writes its exit status. Both files stay there as evidence.
#
#   started   boot id, pid, the pid's start time, seconds since 1970; written before the first changing byte
#   log       what the act printed
#   exit      its exit status; written by a rename, so it is complete or absent
state=$1 run=$2 attempt=$3 step=$4 timeout_s=$5 lets_go=$6
dir=$state/$run/steps/$step/$attempt
umask 077
export LC_ALL=C
cd / || exit 1

start_time() { # PID: its start time in clock ticks since the boot; the pid alone may be another process by now
    read -r stat <"/proc/$1/stat" && set -- ${stat##*) } && echo "${20}"
}

exec 9>>"$state/lock"
flock 9
# The fence: an attempt that is not the newest may not change anything.
[ "$(cat "$state/$run/attempt")" = "$attempt" ] || exit 0
# An act runs once per attempt, however often it is started.
[ ! -e "$dir/started" ] || exit 0
# By a rename, like `exit`: a look must not see half a line. If it is not on disk, the act does not begin.
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
    end || exit 1 # another process has used that space: without an end the act counts as died; never write an empty one
fi
sync "$dir/log" "$dir/exit.part"
mv "$dir/exit.part" "$dir/exit"
sync "$dir"
