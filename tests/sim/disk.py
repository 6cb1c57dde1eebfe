"""The files of a simulated host. A folder is there when a file lies in it."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class File:
    """``inode`` is never used twice, so that it stands for the birth time as well."""

    content: bytes
    inode: int


class Disk:
    """Survives reboots. A write or a rename is there at once and whole, as after an fsync."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self._inodes = itertools.count(100)

    def write(self, path: str, content: bytes | str) -> None:
        """A new file, or new content in the old one."""
        content = content.encode() if isinstance(content, str) else content
        old = self.files.get(path)
        self.files[path] = replace(old, content=content) if old else File(content, next(self._inodes))

    def create(self, path: str, content: bytes | str) -> None:
        """A new file in the place of what was there."""
        self.files.pop(path, None)
        self.write(path, content)

    def read(self, path: str) -> bytes:
        return self.files[path].content

    def text(self, path: str, missing: str = "") -> str:
        """What `cat` in `$(...)` gives: without the last newlines."""
        return self.read(path).decode().rstrip("\n") if path in self.files else missing

    def sha256(self, path: str) -> str:
        return hashlib.sha256(self.read(path)).hexdigest()

    def exists(self, path: str) -> bool:
        return path in self.files or self.is_folder(path)

    def is_folder(self, path: str) -> bool:
        return any(True for _ in self.below(path))

    def below(self, folder: str) -> list[str]:
        """The paths of all files in a folder, deep."""
        return sorted(path for path in self.files if path.startswith(f"{folder}/"))

    def remove(self, path: str) -> None:
        """A file or a whole folder; what is not there is no fault."""
        for old in [path, *self.below(path)]:
            self.files.pop(old, None)

    def move(self, path: str, to: str) -> None:
        """A rename: of a file over what is there, or of a folder."""
        for old in [path, *self.below(path)]:
            if old in self.files:
                self.files[to + old.removeprefix(path)] = self.files.pop(old)

    def link(self, path: str, to: str) -> bool:
        """A hard link; exclusive: false where something lies there already."""
        if to in self.files:
            return False
        self.files[to] = self.files[path]
        return True

    def stat(self, path: str) -> str:
        """`stat -c '%d %i %W %s %n'`"""
        file = self.files[path]
        return f"1 {file.inode} {file.inode} {len(file.content)} {path}"
