# stats FOLDER [WAL]: inode, size, time of the last change and path within its folder of every file of an old member, whose
# log may lie apart, or be gone
{% include "host/stated.sh" %}
{% include "host/log.sh" %}
stats() {
    (cd "$1" && stated '%i %s %Y %n' .) && { [ -z "${2-}" ] || log_stated '%i %s %Y wal/%n' "$2"; }
}
