# stats FOLDER [WAL]: inode, size, time of the last change and path within its folder of every file of an old member, whose
# log may be gone
{% include "host/stated.sh" %}
stats() {
    (cd "$1" && stated '%i %s %Y %n' .) && { [ ! -d "${2-}" ] || (cd "$2" && stated '%i %s %Y wal/%n' .); }
}
