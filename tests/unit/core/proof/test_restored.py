"""The proof that a member was restored: which answers prove it and, above all, which do not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.model.outcome import Answer
from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.restored import Shown, judge_member, judge_together, old_files

EXPECTED = Restored(revision=48213, compacted_revision=41000, hash_kv=2893040912)
MEMBER = "/mnt/master-pd/etcd/member"
OLD = f"2049 11 1700000001 64000000 {MEMBER}/wal/0.wal\n2049 12 1700000002 4096 {MEMBER}/snap/db\n"
NEW = f"2049 21 1700009001 64000000 {MEMBER}/wal/0.wal\n2049 22 1700009002 4096 {MEMBER}/snap/db\n"
HEALTHY, NO_QUORUM = '{"health":"true","reason":""}', '{"health":"false","reason":"RAFT NO LEADER"}'


def hashkv(revision: int = 48213, hash_kv: int = 2893040912, compacted: int = 41000) -> str:
    return json.dumps({"header": {"revision": revision}, "hash": hash_kv, "compact_revision": compacted})


RESTORED = Shown(
    hashkv=hashkv(),
    hashkv_now=hashkv(48290, hash_kv=7),
    cluster_id="cdf818194e3a8c32",
    health=HEALTHY,
    files=NEW,
    kept=OLD,
    armed="",
)


def judged(**change: Any) -> tuple[Answer, str]:
    verdict = judge_member("master-1", replace(RESTORED, **change), EXPECTED)
    return verdict.answer, verdict.reasons.get("master-1", "")


def is_late(**change: Any) -> bool:
    """Return whether the member alone is neither proven nor refuted."""
    verdict = judge_member("master-1", replace(RESTORED, **change), EXPECTED)
    return verdict.answer is Answer.YES and "late" in verdict.details and "hash_kv" not in verdict.details


def test_restored_member_is_proven() -> None:
    verdict = judge_member("master-1", RESTORED, EXPECTED)
    assert (verdict.answer, verdict.reasons) == (Answer.YES, {})
    assert verdict.details == {
        "revision": "48213",
        "hash_kv": "2893040912",
        "compacted_revision": "41000",
        "cluster_id": "cdf818194e3a8c32",
    }


def test_idle_cluster_at_snapshot_revision() -> None:
    # If the snapshot's revision is the compacted one, etcd refuses it; the newest revision has the same answer.
    refused = '{"error":"etcdserver: mvcc: required revision has been compacted"}'
    assert judged(hashkv=refused, hashkv_now=hashkv()) == (Answer.YES, "")
    assert judged(hashkv=refused, hashkv_now=hashkv(hash_kv=1))[0] is Answer.WRONG


def test_member_without_answer_is_waited_for() -> None:
    assert judged(hashkv="", hashkv_now="") == (Answer.NO, "no answer on the peer port yet")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hashkv": hashkv(hash_kv=1)}, "its HashKV at revision 48213 is 1, not 2893040912"),
        ({"hashkv_now": hashkv(48212)}, "the member is at revision 48212, the snapshot at 48213"),
        ({"hashkv_now": "not JSON"}, "etcd's answer on /members/hashkv"),
        ({"kept": ""}, "the list of the old files is missing"),
    ],
)
def test_lasting_faults_are_wrong(change: dict[str, str], said: str) -> None:
    answer, reason = judged(**change)
    assert answer is Answer.WRONG
    assert reason.startswith(said)


@pytest.mark.parametrize("now", ["required revision has been compacted", hashkv(compacted=47000)])
def test_witnessed_hash_counts_after_compaction(now: str) -> None:
    """After the API servers have compacted, no member can show the hash at the snapshot's revision again."""
    assert not is_late(hashkv=now, witnessed=hashkv())
    assert judged(hashkv=now, witnessed=hashkv(hash_kv=1))[0] is Answer.WRONG
    assert is_late(hashkv=now, witnessed=hashkv(compacted=40000))
    assert judged(hashkv=now, witnessed=hashkv(), files=OLD)[0] is Answer.WRONG
    assert judged(hashkv=hashkv(hash_kv=1), witnessed=hashkv())[0] is Answer.WRONG


@pytest.mark.parametrize("now", ["required revision has been compacted", hashkv(compacted=47000)])
def test_late_member_is_left_to_comparison(now: str) -> None:
    assert is_late(hashkv=now)
    assert judged(hashkv=now, files=OLD)[0] is Answer.WRONG


@pytest.mark.parametrize("still", [OLD, OLD.splitlines()[0] + "\n", NEW + OLD.splitlines()[1]])
def test_member_on_old_data_was_not_restored(still: str) -> None:
    """It is healthy, agrees, and even has the right hash: a snapshot of an idle cluster equals that cluster."""
    answer, reason = judged(files=still)
    assert answer is Answer.WRONG
    assert "still runs on the old data" in reason
    assert MEMBER in reason


def test_master_without_old_data() -> None:
    assert judged(kept="none\n") == (Answer.YES, "")


# --- Old files ------------------------------------------------------------------------------------------


def test_old_files_are_identified_by_inode_and_birth_time() -> None:
    assert old_files(OLD, OLD) == (f"{MEMBER}/wal/0.wal", f"{MEMBER}/snap/db")
    assert old_files(NEW, OLD) == ()
    assert old_files(OLD.replace("2049 ", "2050 "), OLD) == old_files(OLD, OLD), "a reboot may number devices anew"
    assert old_files(OLD.replace("1700000001", "1700009001"), OLD) == (f"{MEMBER}/snap/db",)


def test_grown_or_renamed_file_is_still_old() -> None:
    assert old_files(OLD.replace(" 64000000 ", " 128000000 "), OLD) == (f"{MEMBER}/wal/0.wal", f"{MEMBER}/snap/db")
    assert old_files(OLD.replace("0.wal", "1.wal"), OLD)[0] == f"{MEMBER}/wal/1.wal"


def test_reused_inode_without_birth_time_counts_as_old() -> None:
    before = f"2049 11 0 64000000 {MEMBER}/wal/0.wal\n"
    assert old_files(f"2049 11 0 64000000 {MEMBER}/wal/0.wal\n", before) == (f"{MEMBER}/wal/0.wal",)
    assert old_files(f"2049 13 0 64000000 {MEMBER}/wal/0.wal\n", before) == ()


def test_only_database_and_wal_count() -> None:
    other = f"2049 31 5 10 {MEMBER}/snap/0000000000000007-0000000000a1b2c3.snap\n"
    assert old_files(other, other) == ()


def test_path_with_blanks() -> None:
    line = "2049 11 5 64000000 /mnt/a disk/member/wal/0 0.wal\n"
    assert old_files(line, line) == ("/mnt/a disk/member/wal/0 0.wal",)


def test_torn_lines_are_ignored() -> None:
    assert old_files("2049 11 17", OLD) == ()
    assert old_files(OLD, "none\n") == ()


# --- All members together -------------------------------------------------------------------------------

HOSTS = ("master-1", "master-2", "master-3")


def together(**changed: Shown) -> dict[str, Shown]:
    return dict.fromkeys(HOSTS, RESTORED) | {name.replace("_", "-"): shown for name, shown in changed.items()}


def test_all_members_agree() -> None:
    verdict = judge_together(together(), EXPECTED)
    assert (verdict.answer, verdict.reasons) == (Answer.YES, {})
    assert verdict.details["cluster_id"] == "cdf818194e3a8c32"
    assert verdict.details["hash_kv"] == "2893040912"
    assert verdict.details["master-3 revision"] == "48213"


def test_one_unrestored_member_is_wrong() -> None:
    verdict = judge_together(together(master_2=replace(RESTORED, files=OLD)), EXPECTED)
    assert verdict.answer is Answer.WRONG
    assert set(verdict.reasons) == {"master-2"}


def test_wrong_member_outweighs_silent_one() -> None:
    late = replace(RESTORED, hashkv="", hashkv_now="")
    verdict = judge_together(together(master_1=late, master_2=replace(RESTORED, files=OLD)), EXPECTED)
    assert verdict.answer is Answer.WRONG
    assert set(verdict.reasons) == {"master-1", "master-2"}
    assert judge_together(together(master_1=late), EXPECTED).answer is Answer.NO


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"armed": "restore.db\ncommand\n"}, "restore.db is still in the data volume"),
        ({"armed": "command\n"}, "command is still in the data volume"),
        ({"health": NO_QUORUM}, "no quorum yet"),
        ({"health": ""}, "no quorum yet"),
    ],
)
def test_passing_faults_are_waited_for(change: dict[str, Any], said: str) -> None:
    verdict = judge_together(together(master_3=replace(RESTORED, **change)), EXPECTED)
    assert (verdict.answer, verdict.reasons) == (Answer.NO, {"master-3": said})


def test_two_cluster_ids_are_wrong() -> None:
    verdict = judge_together(together(master_2=replace(RESTORED, cluster_id="ffff")), EXPECTED)
    assert verdict.answer is Answer.WRONG
    assert verdict.reasons == dict.fromkeys(HOSTS, "different cluster ids: cdf818194e3a8c32, ffff")


REFUSED = '{"error":"etcdserver: mvcc: required revision has been compacted"}'
COMPACTED = replace(
    RESTORED,
    hashkv=REFUSED,
    hashkv_now=hashkv(50017, hash_kv=5, compacted=49000),
    hashkv_round=hashkv(50017, hash_kv=6, compacted=49000),
    round_revision=50000,
)
"""The API servers have compacted past the snapshot's revision."""
WITNESSED = replace(COMPACTED, witnessed=hashkv())


def test_late_member_equal_to_proven_one_is_proven() -> None:
    later = hashkv(50023, hash_kv=8, compacted=49000)
    late = replace(COMPACTED, hashkv_now=later, hashkv_round=hashkv(50023, hash_kv=6, compacted=49000))
    verdict = judge_together({"a": WITNESSED, "b": late, "c": late}, EXPECTED)
    assert (verdict.answer, verdict.reasons) == (Answer.YES, {})
    assert verdict.details["a revision"] == "48213"
    assert (verdict.details["b revision"], verdict.details["b hash_kv"]) == ("50000", "6")
    assert verdict.details["b late"].startswith("its HashKV at revision 48213 is no longer available")


def test_different_late_member_is_not_proven() -> None:
    other = replace(
        COMPACTED, hashkv_round=hashkv(50017, hash_kv=7, compacted=49000), hashkv_now=hashkv(50018, 5, 49000)
    )
    verdict = judge_together({"a": WITNESSED, "b": other}, EXPECTED)
    assert verdict.answer is not Answer.YES
    assert verdict.reasons["b"] == "its HashKV at revision 50000 is 7"


def test_late_member_is_asked_again_until_compactions_match() -> None:
    behind = replace(
        COMPACTED, hashkv_round=hashkv(50017, hash_kv=6, compacted=48900), hashkv_now=hashkv(50017, 5, 48900)
    )
    verdict = judge_together({"a": WITNESSED, "b": behind}, EXPECTED)
    assert (verdict.answer, verdict.reasons["b"]) == (Answer.NO, "not yet at the others' revision")
    # A member that still shows its hash at the snapshot's revision has not applied the compaction yet.
    assert judge_together({"a": RESTORED, "b": COMPACTED}, EXPECTED).answer is Answer.NO


def test_only_late_members_prove_nothing() -> None:
    verdict = judge_together({"a": COMPACTED, "b": COMPACTED}, EXPECTED)
    assert verdict.answer is Answer.WRONG
    assert set(verdict.reasons) == {"a", "b"}
    # Equal hashes at one revision prove nothing either: both may have restored another file.
    early = replace(RESTORED, hashkv=hashkv(compacted=47000))
    assert judge_together({"a": early, "b": early}, EXPECTED).answer is Answer.WRONG
