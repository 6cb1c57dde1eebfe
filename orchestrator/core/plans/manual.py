"""The manual strategy: etcd's own tool restores into a folder next to the live one; two renames replace that. Pure.

Vendor's page, "Manual restoration of a snapshot"; etcd's documentation, "Disaster recovery". The restore itself, the
slow part, runs while the old etcd still serves. Every run has its own cluster token: if an old member starts again, its
cluster id differs, and all members refuse it (etcd 3.5, server/etcdserver/api/rafthttp/http.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.core import timeouts
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace, best_tool
from orchestrator.core.hosts.questions import client_values
from orchestrator.core.hosts.view import owner_of
from orchestrator.core.model.plan import PhaseName, Push, Script, Step, ToolFile
from orchestrator.core.model.restored import Restored, restored_from
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import folder_of, look, one, push_step, script_step
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.details import Bump
from orchestrator.etcd.ids import predict_ids
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Manual:
    """Implements ``plans.strategy.Strategy``. ``tool`` is the operator's own etcdutl, if they name one. ``origin`` has
    the snapshot already."""

    snapshot: SnapshotFacts
    masters: Sequence[Master]
    run: str
    tool: ToolFile | None = None
    origin: OnHost | None = None
    bump: Bump | None = None

    titles = MappingProxyType(
        {
            PhaseName.STAGE: "copy the snapshot to every master, and restore it beside the old data",
            PhaseName.COMMIT: "move the restored data into place",
        }
    )
    resolves_first = True  # before etcd 3.5.6 and 3.4.22 the tool resolves every peer's name

    @property
    def token(self) -> str:
        return token_of(self.run)

    @property
    def initial_cluster(self) -> dict[str, str]:
        """The peer URLs of all masters, and of left-out ones that the others still list. A manifest may list only
        the members of the time when it was written."""
        listed = {name: url for master in self.masters for name, url in master.etcd.initial_cluster.items()}
        return listed | {master.etcd.member: master.etcd.peer_url for master in self.masters}

    @property
    def expected(self) -> Restored:
        ids = predict_ids({name: (url,) for name, url in self.initial_cluster.items()}, self.token)
        return restored_from(self.snapshot, self.bump, ids.cluster)

    def stage(self, master: Master) -> Iterable[Step]:
        yield push_step(StepName.STAGE_PUSH, master, self.snapshot, "copy the snapshot", self.origin)
        yield self._bring_tool(master)
        yield script_step(
            StepName.STAGE_RESTORE,
            master,
            f"restore it into {master.staged}, at low priority, while the old etcd still serves",
            self._restore_values(master),
            timeout_s=timeouts.COPY_S,
            rerunnable=True,
            undo="remove the folder",
        )

    def _bring_tool(self, master: Master) -> Step:
        if self.tool:
            act = Push(path=master.tool, sha256=self.tool.sha256, size_bytes=self.tool.size_bytes)
            return Step(
                id=f"{StepName.STAGE_TOOL}/{master.name}",
                host=master.name,
                title=f"copy {self.tool.path}",
                act=act,
                rerunnable=True,
                undo="remove the copy",
            )
        tool = self._found(master)
        return script_step(
            StepName.STAGE_TOOL,
            master,
            f"take {tool.words}",
            {
                "place": tool.place.value,
                "path": tool.path,
                "version": tool.version,
                "member": master.etcd.member_path,
                "copy": master.tool,
            },
            timeout_s=timeouts.COPY_S if tool.place is ToolPlace.IMAGE else timeouts.MARK_S,
            rerunnable=True,
            undo="remove the copy",
        )

    @staticmethod
    def _found(master: Master) -> Tool:
        found = best_tool(master.view.member.tools, master.view.member.version)
        assert found is not None  # without one a check blocks the plan
        return found

    def _restore_values(self, master: Master) -> dict[str, str]:
        etcd, watched = master.etcd, master.view.member.has_quorum
        cluster = ",".join(f"{name}={url}" for name, url in sorted(self.initial_cluster.items()))
        return client_values(etcd) | {
            "tool": master.tool,
            "snapshot": master.snapshot,
            "bump": str(self.bump.amount) if self.bump else "",
            "flag": "" if self.snapshot.hashed else "--skip-hash-check",
            "staged": master.staged,
            "staged_wal": master.staged_wal,
            "name": etcd.member,
            "cluster": cluster,
            "token": self.token,
            "peer_url": etcd.peer_url,
            "owner": owner_of(master.view, (other.view for other in self.masters)),
            "client_url": etcd.client_url if watched else "",
        }

    def staged(self, master: Master) -> Script:
        values = {
            "path": master.snapshot,
            "sha256": self.snapshot.sha256,
            "state": master.state,
            "run": self.run,
            "staged": master.staged,
            "staged_wal": master.staged_wal,
        }
        question = "the snapshot is the right one, and what was restored from it is whole"
        return look("stage/is_staged.sh", values, question, timeouts.HASH_S)

    def keep(self, master: Master) -> Step:
        return script_step(
            StepName.KEEP_ASIDE,
            master,
            f"move the old data to {master.kept_words}",
            {
                "member": master.etcd.member_path,
                "kept": master.kept,
                "wal": master.etcd.wal_dir,
                "kept_wal": master.kept_wal,
                "staged_wal": master.staged_wal,
            },
            rerunnable=True,
            undo="move it back",
        )

    def commit(self, master: Master) -> Iterable[Step]:
        yield script_step(
            StepName.COMMIT_PLACE,
            master,
            "move the restored data into place, by a rename",
            {
                "staged": master.staged,
                "member": master.etcd.member_path,
                "staged_wal": master.staged_wal,
                "wal": master.etcd.wal_dir,
            },
            done_if=one(master, self.in_place(master)),
            rerunnable=True,
            undo="move it aside again",
        )

    def in_place(self, master: Master) -> Script:
        values = {
            "state": master.state,
            "run": self.run,
            "member": master.etcd.member_path,
            "wal": master.etcd.wal_dir,
            "lifts": folder_of(master, self.run, StepName.START_LIFT),
        }
        question = "the restored data is in its place, or this run has let the host start since"
        return look("commit/is_placed.sh", values, question)

    def committed(self, master: Master) -> Script:
        return self.in_place(master)

    def proven(self, master: Master) -> Iterable[Step]:
        return ()


def token_of(run: str) -> str:
    """The cluster token of a run's restore."""
    return f"kr-{run}"
