# listed FOLDER [WAL]: device, inode, birth, size, path within its folder of all files of a member, and of a log that lies apart
listed() {
    (cd "$1" && find . -type f -exec stat -c '%d %i %W %s %n' {} + | sort) &&
        { [ -z "${2-}" ] || (cd "$2" && find . -type f -exec stat -c '%d %i %W %s wal/%n' {} + | sort); }
}
