# listed FOLDER [WAL]: inode, birth, size, path within its folder of all files of a member, and of a log that lies apart. A
# device's number may be another one after a reboot.
listed() {
    (cd "$1" && find . -type f -exec stat -c '%i %W %s %n' {} + | sort) &&
        { [ -z "${2-}" ] || (cd "$2" && find . -type f -exec stat -c '%i %W %s wal/%n' {} + | sort); }
}
