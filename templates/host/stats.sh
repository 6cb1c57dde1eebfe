# stats FOLDER [WAL]: inode, size, time of the last change and path within its folder of every file of an old member, whose
# log may be gone
stats() {
    (cd "$1" && find . -type f -exec stat -c '%i %s %Y %n' {} + | sort) &&
        { [ ! -d "${2-}" ] || (cd "$2" && find . -type f -exec stat -c '%i %s %Y wal/%n' {} + | sort); }
}
