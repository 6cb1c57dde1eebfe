"""How the real lab compares what API servers show."""

from __future__ import annotations

from typing import Any

from tests.real.contents import changes, identity


def _object(kind: str, uid: str = "u1", **content: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "a", "uid": uid, "resourceVersion": "7"}, **content}


def test_objects_that_are_new_missing_or_other_are_named() -> None:
    before = {"ConfigMap//a": "u1 x", "ConfigMap//b": "u2 x", "ConfigMap//c": "u3 x"}
    after = {"ConfigMap//b": "u2 y", "ConfigMap//c": "u3 x", "ConfigMap//d": "u4 x"}
    assert changes(before, after) == ["made since: ConfigMap//d", "missing: ConfigMap//a", "changed: ConfigMap//b"]
    assert changes(before, before) == []


def test_status_and_revision_are_not_the_objects_content() -> None:
    other = _object("Deployment", spec={"replicas": 2}, status={"replicas": 1})
    other["metadata"]["resourceVersion"] = "8"
    assert identity(_object("Deployment", spec={"replicas": 2})) == identity(other)
    assert identity(_object("Deployment", spec={"replicas": 3})) != identity(other)


def test_object_that_was_deleted_and_made_again_is_another() -> None:
    assert identity(_object("ConfigMap")) != identity(_object("ConfigMap", uid="u2"))


def test_lease_that_was_renewed_is_the_same() -> None:
    assert identity(_object("Lease", spec={"renewTime": "1"})) == identity(_object("Lease", spec={"renewTime": "2"}))
