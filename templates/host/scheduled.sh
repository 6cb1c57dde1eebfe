# scheduled.sh set TIMER PATH SHA256...   Exits 0 where each file is as it must be, and the timer runs.
# scheduled.sh remove TIMER PATH...   Exits 0 where none of them is there.
verb=$1 timer=$2
shift 2
if [ "$verb" = remove ]; then
    for path; do [ ! -e "$path" ] || { echo "$path is there"; exit 1; }; done
    exit 0
fi
while [ "$#" -gt 0 ]; do
    [ -e "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ] || { echo "$1 is not as it must be"; exit 1; }
    shift 2
done
systemctl is-active --quiet "$timer" || { echo "$timer does not run"; exit 1; }
