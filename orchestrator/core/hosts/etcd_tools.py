"""etcd's own restore tool on a host: where it was found, and which of several is used. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ToolPlace(StrEnum):
    """The place of a tool, in the order of preference."""

    HOST = "host"
    RUNNING = "running"  # in the container of the etcd that runs, seen through its process
    IMAGE = "image"  # in the image of etcd's pod; its version is unknown until it is copied out


@dataclass(frozen=True, slots=True)
class Tool:
    """``path`` is on the host, inside the container, or names the image. ``version`` is empty for an image's."""

    place: ToolPlace
    path: str
    version: str = ""

    @property
    def words(self) -> str:
        where = {
            ToolPlace.HOST: self.path,
            ToolPlace.RUNNING: f"{self.path} from etcd's container",
            ToolPlace.IMAGE: f"etcdutl from the image {self.path}",
        }
        return where[self.place] + (f" ({self.version})" if self.version else "")


def parse_tools(text: str) -> tuple[Tool, ...]:
    """Lines `PLACE VERSION PATH` of ``templates/host/lib/etcd_tools.sh``; an image's version is `-`."""
    found = []
    for line in text.splitlines():
        place, _, rest = line.partition(" ")
        version, _, path = rest.partition(" ")
        if place in tuple(ToolPlace) and path:
            found.append(Tool(ToolPlace(place), path, "" if version == "-" else version))
    return tuple(found)


def best_tool(tools: Iterable[Tool], etcd_version: str) -> Tool | None:
    """The first tool that can restore; tools of etcd's own minor version come before others."""
    able = [tool for tool in tools if _restores(tool)]
    same = [tool for tool in able if tool.version and minor(tool.version) == minor(etcd_version)]
    return next(iter(same or able), None)


def can_bump(tool: Tool, etcd_version: str) -> bool:
    """Whether its `snapshot restore` has `--bump-revision` and `--mark-compacted`.

    etcdctl has them from 3.4.27 and 3.5.10 on, etcdutl from 3.5.10 and 3.6.0-rc.0 on, but not in 3.6.0-alpha.0 (etcd,
    CHANGELOG-3.4, -3.5 and -3.6). A tool in etcd's image has etcd's version.
    """
    version = tool.version or (etcd_version if tool.place is ToolPlace.IMAGE else "")
    if "-alpha" in version or "-beta" in version:
        return False
    return parts(version) >= {(3, 4): (3, 4, 27), (3, 5): (3, 5, 10)}.get(minor(version), (3, 6, 0))


def _restores(tool: Tool) -> bool:
    """Whether the tool can restore: etcdctl before 3.6 (etcd, CHANGELOG-3.6), etcdutl since 3.5."""
    return not tool.path.endswith("etcdctl") or minor(tool.version) < (3, 6)


def parts(version: str) -> tuple[int, ...]:
    """`3.5.16` -> (3, 5, 16), a pre-release as its release; () if it is not a version."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(number) for number in found.groups()) if found else ()


def minor(version: str) -> tuple[int, int]:
    """`3.5.16` -> (3, 5); (0, 0) if the text is not a version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
