# Whether a schedule's timer runs, what its files contain, and what its backups say. Changes nothing.
# values: timer files...
{% include "host/lib/facts.sh" %}
[ -d /run/systemd/system ] && echo yes | fact systemd
systemctl is-active --quiet "$timer" 2>/dev/null && echo yes | fact active
systemctl is-failed --quiet "${timer%.timer}.service" 2>/dev/null && echo yes | fact failed
for path; do # the last one is the script, which names the folder of the backups
    [ ! -e "$path" ] || fact "file:$path" <"$path"
done
folder=$(grep -o "folder='[^']*'" "$path" 2>/dev/null | head -n 1 | cut -d "'" -f 2)
folder=${folder:-/nowhere}
[ ! -e "$folder/.last" ] || fact last <"$folder/.last"
[ ! -e "$folder/.good" ] || fact good <"$folder/.good"
date +%s | fact clock
