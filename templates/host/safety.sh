# safety.sh KUBLR   A snapshot of what still answers, before anything is stopped.
umask 077
safety=$STATE/$RUN/safety.db
[ ! -e "$safety" ] || exit 0
rm -f "$safety.part"
"$1" etcd backup --file "$safety.part" || exit 1
{% include "host/trailer.sh" %}
