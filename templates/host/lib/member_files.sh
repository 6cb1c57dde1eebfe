{% include "host/lib/files.sh" %}
{% include "host/lib/wal.sh" %}
# Both lists are of FOLDER [WAL]: a member's files by their path in FOLDER, and a write-ahead log in a folder of its own.
list_restored() { # inode, birth, size, path; without the device, whose number may change with a reboot
    (cd "$1" && stat_files '%i %W %s %n' .) && { [ -z "${2-}" ] || stat_wal '%i %W %s wal/%n' "$2"; }
}
list_old() { # inode, size, time of the last change, path
    (cd "$1" && stat_files '%i %s %Y %n' .) && { [ -z "${2-}" ] || stat_wal '%i %s %Y wal/%n' "$2"; }
}
