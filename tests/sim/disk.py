"""The files of a simulated host. A folder exists if it contains a file."""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_left, insort
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class File:
    """One file. ``inode`` is never used twice, so it also serves as the birth time."""

    content: bytes
    inode: int


class Disk:
    """A disk that survives reboots. A rename is durable at once; a file without an fsync is empty after a power cut.

    ``changes`` grows with every change, so that an observer can skip a disk that has not changed.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._files: dict[str, File] = {}
        self._paths: list[str] = []  # sorted: the paths of one folder are adjacent
        self._inodes = itertools.count(100)
        self._unsynced: set[str] = set()

    @property
    def files(self) -> dict[str, File]:
        """All files, by path."""
        return self._files

    def write(self, path: str, content: bytes | str, *, synced: bool = True) -> None:
        """Create a file, or replace the content of an existing one and keep its inode."""
        content = content.encode() if isinstance(content, str) else content
        old = self._files.get(path)
        self._put(path, replace(old, content=content) if old else File(content, next(self._inodes)))
        (self._unsynced.discard if synced else self._unsynced.add)(path)

    def sync(self, *paths: str) -> None:
        """`sync FILE...`"""
        self._unsynced.difference_update(paths)

    def cut_power(self) -> None:
        """Lose the content of every file without an fsync. The file system journals names, not contents."""
        for path in self._unsynced:
            if self.is_file(path):
                self._put(path, replace(self._files[path], content=b""))
        self._unsynced.clear()

    def _put(self, path: str, file: File) -> None:
        self.changes += 1
        if path not in self._files:
            insort(self._paths, path)
        self._files[path] = file

    def _take(self, path: str) -> File | None:
        self.changes += 1
        if file := self._files.pop(path, None):
            del self._paths[bisect_left(self._paths, path)]
        return file

    def create(self, path: str, content: bytes | str, *, synced: bool = True) -> None:
        """Create a file with a new inode. Replace an existing one."""
        self._take(path)
        self.write(path, content, synced=synced)

    def read(self, path: str) -> bytes:
        return self._files[path].content

    def text(self, path: str, missing: str = "") -> str:
        """Return the text of a file without newlines at its end, as `$(cat FILE)` does."""
        return self.read(path).decode().rstrip("\n") if self.is_file(path) else missing

    def sha256(self, path: str) -> str:
        return hashlib.sha256(self.read(path)).hexdigest()

    def is_file(self, path: str) -> bool:
        return path in self._files

    def is_folder(self, path: str) -> bool:
        return bool(self.below(path))

    def below(self, folder: str) -> list[str]:
        """Return the paths of all files in a folder and its subfolders."""
        after = chr(ord("/") + 1)
        return self._paths[bisect_left(self._paths, f"{folder}/") : bisect_left(self._paths, f"{folder}{after}")]

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder. Do nothing if it does not exist."""
        for old in [path, *self.below(path)]:
            self._take(old)

    def move(self, path: str, to: str) -> None:
        """Rename a folder or a file. A file replaces an existing one."""
        for old in [path, *self.below(path)]:
            new = to + old.removeprefix(path)
            self._unsynced.discard(new)
            if old in self._unsynced:
                self._unsynced.remove(old)
                self._unsynced.add(new)
            if file := self._take(old):
                self._put(new, file)

    def link(self, path: str, to: str) -> bool:
        """Create a hard link. Return False if the target exists."""
        if self.is_file(to):
            return False
        self._put(to, self._files[path])
        return True

    def inode(self, path: str) -> int:
        return self._files[path].inode

    def stat(self, path: str) -> str:
        """`stat -c '%d %i %W %s %n'`"""
        file = self._files[path]
        return f"1 {file.inode} {file.inode} {len(file.content)} {path}"
