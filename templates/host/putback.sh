# putback.sh MEMBER KEPT UNDONE   Puts the old data that run UNDONE has set aside back, before anything was started on
# its copy, and removes that.
member=$1 kept=$2 undone=$3
copy=$kept.copy
[ -e "$kept" ] || exec rm -rf "$kept.part" "$copy"
case $(cat "$STATE/hold" 2>/dev/null) in "$RUN" | "$undone") ;; *) echo "refused: this host is not held"; exit 3 ;; esac
[ ! -e "$member/snap/db" ] || flock -n "$member/snap/db" true || { echo "refused: an etcd runs on $member"; exit 3; }
if [ -e "$member" ]; then
    [ ! -e "$copy" ] || { echo "refused: both $member and $copy are there"; exit 3; }
    mv "$member" "$copy" && sync "${kept%/*}" "${member%/*}" || exit 1
fi
mv "$kept" "$member" && sync "${kept%/*}" "${member%/*}" && rm -rf "$kept.part" "$copy"
