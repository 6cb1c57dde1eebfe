"""How places are written, and what is refused before anybody goes there."""

from __future__ import annotations

import pytest

from orchestrator.core.snapshots.locations import (
    Local,
    Location,
    Objects,
    OnHost,
    Sftp,
    parse_destination,
    parse_location,
)
from orchestrator.errors import UsageError


@pytest.mark.parametrize(
    ("text", "place", "written"),
    [
        ("backup.db", Local("backup.db"), "backup.db"),
        ("./master-1:/backup.db", Local("./master-1:/backup.db"), "./master-1:/backup.db"),
        ("C:backup.db", Local("C:backup.db"), "C:backup.db"),
        ("master-1:/var/backup.db", OnHost("master-1", "/var/backup.db"), "master-1:/var/backup.db"),
        ("sftp://ops@nas:2222/kept/x.db", Sftp("ops@nas:2222", "/kept/x.db"), "sftp://ops@nas:2222/kept/x.db"),
        ("sftp://nas/~/x.db", Sftp("nas", "~/x.db"), "sftp://nas/~/x.db"),
        ("sftp://ops@[fd00::1]:22/x", Sftp("ops@[fd00::1]:22", "/x"), "sftp://ops@[fd00::1]:22/x"),
        ("s3://bucket/prod/1/", Objects("s3", "bucket", "prod/1"), "s3://bucket/prod/1"),
        ("gs://bucket", Objects("gs", "bucket", ""), "gs://bucket/"),
        ("az://container/x.db", Objects("az", "container", "x.db"), "az://container/x.db"),
    ],
)
def test_a_place_is_read_and_written(text: str, place: Location, written: str) -> None:
    assert parse_location(text) == place
    assert str(place) == written
    assert parse_location(written) == place


def test_a_file_in_a_place() -> None:
    assert str(Sftp("nas", "/kept").child("x.db")) == "sftp://nas/kept/x.db"
    assert str(Sftp("nas", "~/kept").child("x.db")) == "sftp://nas/~/kept/x.db"
    assert str(Objects("s3", "bucket", "").child("x.db")) == "s3://bucket/x.db"
    assert str(Objects("s3", "bucket", "prod").child("x.db")) == "s3://bucket/prod/x.db"


@pytest.mark.parametrize("text", ["sftp://ops:hush@nas/x", "s3://key:hush@bucket/x", "s3://hush@bucket/x"])
def test_a_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="must not contain a password") as told:
        parse_location(text)
    assert "hush" not in f"{told.value.message} {told.value.next_step}"


@pytest.mark.parametrize(
    "text", ["ftp://nas/x", "sftp:///x", "sftp://-oProxyCommand=x/x", "sftp://nas:port/x", "s3:///x"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_location(text)


def test_backups_are_kept_apart_from_the_masters() -> None:
    with pytest.raises(UsageError, match="cannot be stored on a master"):
        parse_destination("master-1:/var/backups")
