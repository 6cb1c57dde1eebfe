# listed FOLDER [WAL]: inode, birth, size, path within its folder of all files of a member, and of a log that lies apart. A
# device's number may be another one after a reboot.
{% include "host/stated.sh" %}
{% include "host/log.sh" %}
listed() {
    (cd "$1" && stated '%i %W %s %n' .) && { [ -z "${2-}" ] || log_stated '%i %W %s wal/%n' "$2"; }
}
