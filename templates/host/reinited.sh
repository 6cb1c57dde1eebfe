# reinited.sh STATE RUN DATA   Exits 0 where the pod has obeyed, and left a new command-result.
before=$1/$2/result.before data=$3
[ -e "$before" ] || { echo "not asked yet"; exit 1; }
[ ! -e "$data/command" ] || { echo "$data/command still lies there: the pod has not come to it, or is at it"; exit 1; }
now=$(stat -c '%i %s %y' "$data/command-result" 2>/dev/null)
[ "$now" != "$(cat "$before")" ] || { echo "the pod has left no new $data/command-result"; exit 1; }
said=$(head -c 400 "$data/command-result" | tr '\n' ' ')
case $said in *fail* | *rror*) echo "the pod says: $said"; exit 1 ;; esac
