#!/bin/sh
# Written by orchestrator: one backup of etcd of the cluster {{ cluster }}, started by its timer. Needs nothing but this file.
#   .last  when the newest attempt was, how it ended, and why     .good  when the last good one was, its size, seconds, name
#   NAME.db  a backup     NAME.json  what was true when it was taken, where that could be told
umask 077
export LC_ALL=C
state='{{ state }}' folder='{{ folder }}' cluster='{{ cluster }}' keep='{{ keep }}' days='{{ days }}'
mkdir -p -m 700 "$folder" && exec 8>>"$folder/.lock" || exit 1
flock -n 8 || { echo "another backup is in progress"; exit 0; }
began=$(date +%s)
tell() { # FILE TEXT
    echo "$2" >"$folder/$1.part" && sync "$folder/$1.part" && mv "$folder/$1.part" "$folder/$1"
}
if [ -e "$state/claim" ] || [ -e "$state/hold" ]; then
    tell .last "$began skipped a run of orchestrator holds this host"
    exit 0
fi
work=$folder/.work
rm -rf "$work"
mkdir -p "$work/now" || exit 1
export STATE="$work" RUN=now ATTEMPT=1 STEP=backup
(
{{ values }}
{{ take }}
) >"$work/log" 2>&1
code=$?
[ "$code" != 0 ] || ( # a backup without facts is still a backup
{{ facts }}
snapshot=$work/now/safety.db
set -- {{ shared }}
{% include "units/facts.sh" %}
) >"$work/facts"
name=$cluster-$(date -u -d "@$began" +%Y%m%dt%H%M%Sz)
if [ -e "$state/claim" ] || [ -e "$state/hold" ]; then # a run has come in between: of what it restores this tells nothing
    rm -rf "$work"
    tell .last "$began skipped a run of orchestrator has taken this host meanwhile"
    exit 0
fi
if [ "$code" != 0 ] || [ ! -s "$work/now/safety.db" ] || ! mv "$work/now/safety.db" "$folder/$name.db"; then
    why=$(tail -n 1 "$work/log" | head -c 200)
    rm -rf "$work" # a full disk has room for the word then
    tell .last "$began failed ${why:-exit $code}"
    echo "the backup failed: ${why:-exit $code}" >&2
    exit 1
fi
# After the backup: what dies in between leaves a backup without facts, and no facts without a backup.
[ "$(tail -c 2 "$work/facts")" = '}' ] && sync "$work/facts" && mv "$work/facts" "$folder/$name.json" ||
    echo "cannot write the facts of $name.db beside it" >&2
sync "$folder/$name.db" "$folder"
rm -rf "$work"
tell .good "$began $(stat -c %s "$folder/$name.db") $(($(date +%s) - began)) $name" && tell .last "$began good"

# Too many and too old ones of this cluster go, in the order of their names, which is that of time. The newest stays.
oldest=
[ -z "$days" ] || oldest=$cluster-$(date -u -d "@$((began - days * 86400))" +%Y%m%dt%H%M%Sz)
set -- "$folder/$cluster"-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]t[0-9][0-9][0-9][0-9][0-9][0-9]z.db
for path; do
    left=$#
    [ "$left" -gt 1 ] || break
    shift
    file=${path##*/}
    [ "$file" != "$name.db" ] || continue # names do not tell time where a clock was set back
    if [ -n "$keep" ] && [ "$left" -gt "$keep" ]; then
        rm -f "${path%.db}.json" "$path"
    elif [ -n "$oldest" ] && [ "$(printf '%s\n' "$oldest" "${file%.db}" | sort | head -n 1)" = "${file%.db}" ]; then
        rm -f "${path%.db}.json" "$path"
    fi
done
