"""`hushtag policy diff`, `apply`, `rollback` and `status`."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

import streams.log.policies as policies
from streams.cli.main import make_app
from streams.cli.output import replace_file
from streams.cli.policy_change import write_policy
from streams.cli.policy_status import STALLED_MS, lines, status_of
from streams.errors import CallerMistake, ContractError, DependencyAway
from streams.log.decisions import Progress, encode_record
from streams.log.policies import PolicyRecord, PolicyTopic, SkippedPolicyRecord, WorkerReport, encode_policy_record
from streams.policy import Policy, parse_policy
from streams.policy.activation import Activation
from streams.policy.diff import WRITTEN_OTHERWISE, differences
from streams.policy.places import with_serial
from streams.policy.proposal import GONE_MS, note_path
from streams.policy_activation import PolicyDraft, PolicyOvertaken
from tests.support.policy_cases import BROKEN, GOOD, SHARDS, edited
from tests.support.policy_edits import BEFORE, every_edit, text_of
from tests.support.shells import Topics

NOW = 1_800_000_000_000


def policy(text: str = GOOD) -> Policy:
    return parse_policy(text, "test.yaml", shards=SHARDS)


# ---- diff ----

CHANGES = [
    ({}, []),
    ({1: "serial: 9"}, []),
    ({9: "    suppress_at: 0.55"}, ["abuse: suppress_at 0.5 → 0.55, except in IN"]),
    ({16: "      - {country: IN, suppress_at: 0.7}"}, ["abuse: suppress_at 0.6 → 0.7 in IN"]),
    ({16: ""}, ["abuse: suppress_at 0.6 → 0.5 in IN"]),
    (
        {16: "      - {country: IN, surface: trends, suppress_at: 0.6}"},
        ["abuse: suppress_at 0.6 → 0.5 on search in IN"],
    ),
    ({17: "      - {surface: search, min_authors: 48}"}, ["abuse: min_authors 45 → 48 on search"]),
    ({17: '      - {country: "*", confidence: 0.9}'}, [
        "abuse: min_authors 45 → 40 on search", "abuse: confidence 0.95 → 0.9 in the world"
    ]),
    ({5: "    mode: shadow"}, ["abuse: mode suppress → shadow"]),
    ({12: "    dwell: 90s", 13: "    expiry: 15m"}, ["abuse: dwell 30s → 90s", "abuse: expiry 10m → 15m"]),
    ({6: "    windows: [1h]"}, ["abuse: windows 10m → 1h"]),
    (
        {14: "    corroborate: {need: 2, copies: 0.3, term: true}"},
        ["abuse: corroborate 1 of (copies 0.3, authors 100) → 2 of (copies 0.3, term yes)"],
    ),
    ({4: "  hateful_conduct:"}, ["abuse: no longer judged", "hateful_conduct: judged from now on, in mode suppress"]),
    ({18: "never_suppress: [a, b]"}, ["never_suppress: without farmersprotest", "never_suppress: with a, b"]),
    (
        {20: "  - {term: badword}"},
        ["curated_terms: without badword (exact)", "curated_terms: with badword (lookalike)"],
    ),
    (
        {21: "valves: {max_automated_hours: 12, new_suppressions_per_hour: 16}"},
        ["valves: max_automated_hours 24 → 12", "valves: new_suppressions_per_hour none → 16"],
    ),
    ({2: "windows: [10m, 2h]\nyoung_days: 7"}, ["windows: without 1h", "windows: with 2h", "young_days 30 → 7"]),
]  # fmt: skip


@pytest.mark.parametrize(("lines_of_file", "expected"), CHANGES, ids=[str(list(one[0])) for one in CHANGES])
def test_differences_describe_change(lines_of_file, expected):
    new = policy(edited(lines_of_file))
    assert differences(policy(), new) == expected
    assert len(differences(new, policy())) == len(expected), "and back"


def test_diff_command_prints_differences(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(edited({9: "    suppress_at: 0.55"}))
    names = [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]
    printed = CliRunner().invoke(make_app("policy"), ["policy", "diff", *names]).stdout
    assert printed == "abuse: suppress_at 0.5 → 0.55, except in IN\n"
    (row,) = CliRunner().invoke(make_app("policy"), ["policy", "diff", "--json", *names]).stdout.splitlines()
    assert json.loads(row) == {"change": printed.strip()}
    assert CliRunner().invoke(make_app("policy"), ["policy", "diff", names[0], names[0]]).stdout == "the same policy\n"


@pytest.mark.parametrize("text", [
    GOOD, "# nothing\n\n" + GOOD.replace("serial: 1", "serial:   1    # add 1"), GOOD.replace("\n", "\r\n"),
    "{serial: 1, categories: {abuse: "
    "{mode: shadow, min_tweets: 50, min_authors: 40, suppress_at: 0.5, clear_at: 0.2}}}",
    "\ufeff# हिन्दी\n" + GOOD,
])  # fmt: skip
def test_with_serial_keeps_other_bytes(text):
    raw = text.encode()
    again = with_serial(raw, 17)
    assert policy(again.decode()).serial == 17
    assert differences(policy(text), policy(again.decode())) == []
    assert with_serial(again, 1) == raw.removeprefix(b"\xef\xbb\xbf")


# ---- apply and rollback ----


def record(text: str, **more: object) -> PolicyRecord:
    one = policy(text)
    return PolicyRecord(
        revision=one.revision, serial=one.serial, policy=one.canonical, model_revision="0" * 12, from_tick_ms=0,
        proposed_at_ms=NOW - 60_000, proposed_by="w1", text=text, **more,
    )  # fmt: skip


COMMENTED = edited({1: "serial: 4   # add 1", 9: "    suppress_at: 0.7   # after the flood"})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy file, and a topic with two earlier policies."""
    records = [record(COMMENTED, reason="too many", actor="asha"), record(edited({1: "serial: 5"}))]
    topic = PolicyTopic({one.revision: (at, one) for at, one in enumerate(records)}, {})

    async def read(settings):
        return topic

    monkeypatch.setattr(policies, "read_policy_topic", read)
    monkeypatch.setenv("HUSHTAG_POLICY", str(tmp_path / "policy.yaml"))
    (tmp_path / "policy.yaml").write_text(edited({1: "serial: 5"}))
    (tmp_path / "new.yaml").write_text(COMMENTED)
    return tmp_path


def run(*args: str, answer: str | None = None):
    return CliRunner().invoke(make_app("policy"), ["policy", *args], input=answer)


WHO = ("--reason", "the flood is back", "--actor", "ravi")


def test_apply_writes_policy_with_comments(desk):
    result = run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact")
    assert result.exit_code == 0, result.output
    assert "abuse: suppress_at 0.5 → 0.7, except in IN" in result.stdout
    written = (desk / "policy.yaml").read_text()
    assert written == COMMENTED.replace("serial: 4 ", "serial: 6 "), "a serial above the live one, all else as it was"
    note = json.loads(note_path(desk / "policy.yaml").read_text())
    assert note == {"revision": policy(written).revision, "actor": "ravi", "reason": "the flood is back"}
    assert sorted(path.name for path in desk.iterdir()) == ["new.yaml", "policy.yaml", "policy.yaml.note.json"]


def workers_read(monkeypatch: pytest.MonkeyPatch, *files: str, via: str = "file") -> None:
    live = record(edited({1: "serial: 5"}), via=via)
    reports = {f"w{at}": replace(report(f"w{at}", "same", ""), file=file) for at, file in enumerate(files)}
    reports["gone"] = replace(report("gone", "same", "", age_ms=GONE_MS + 1), file="/gone/policy.yaml")

    async def read(settings):
        return PolicyTopic({live.revision: (0, live)}, reports)

    monkeypatch.setattr(policies, "read_policy_topic", read)
    monkeypatch.setattr("streams.cli.policy_change.now_ms", lambda: NOW)


def test_apply_refuses_file_that_no_live_worker_reads(desk, monkeypatch):
    workers_read(monkeypatch, "/etc/hushtag/policy.yaml", "/etc/hushtag/policy.yaml")
    before = (desk / "policy.yaml").read_text()
    refused = run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact").exception
    assert isinstance(refused, CallerMistake)
    assert str(refused) == f"no live worker reads {desk / 'policy.yaml'}: they read /etc/hushtag/policy.yaml"
    assert "--to topic" in refused.fix and (desk / "policy.yaml").read_text() == before
    workers_read(monkeypatch, "/etc/hushtag/policy.yaml", via="topic")
    refused = run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact").exception
    assert str(refused).endswith("the live policy came through the topic")


def test_apply_names_workers_that_read_the_file(desk, monkeypatch):
    workers_read(monkeypatch, "/etc/other.yaml", str(desk / "policy.yaml"))
    assert "w1 read it and put it live" in run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact").stdout


def test_apply_without_live_worker_reports_that(desk, monkeypatch):
    workers_read(monkeypatch)
    assert "No worker is running" in run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact").stdout


def test_apply_without_confirmation_writes_nothing(desk):
    before = (desk / "policy.yaml").read_text()
    refused = run("apply", str(desk / "new.yaml"), *WHO, "--no-impact", answer="n\n")
    assert refused.exit_code == 3 and "nothing was written" in refused.stdout
    silent = run("apply", str(desk / "new.yaml"), *WHO, "--no-impact", answer="")
    assert isinstance(silent.exception, CallerMistake) and "--yes" in silent.exception.fix
    assert (desk / "policy.yaml").read_text() == before and not note_path(desk / "policy.yaml").exists()
    assert run("apply", str(desk / "new.yaml"), *WHO, "--no-impact", answer="y\n").exit_code == 0


def test_apply_refuses_bad_or_unchanged_policy(desk):
    (desk / "new.yaml").write_text(BROKEN)
    assert run("apply", str(desk / "new.yaml"), *WHO, "--yes").exit_code != 0
    (desk / "new.yaml").write_text(edited({1: "serial: 9"}))
    result = run("apply", str(desk / "new.yaml"), *WHO, "--yes")
    assert result.exit_code == 3 and "nothing changes" in result.stdout
    result = run("apply", str(desk / "new.yaml"), "--reason", " ", "--actor", "x", "--yes")
    assert isinstance(result.exception, CallerMistake) and "--reason is empty" in str(result.exception)
    assert (desk / "policy.yaml").read_text() == edited({1: "serial: 5"})


def test_rollback_restores_previous_file_with_new_serial(desk):
    result = run("rollback", *WHO, "--yes", "--no-impact")
    assert result.exit_code == 0, result.output
    assert "(serial 4): too many" in result.stdout
    assert (desk / "policy.yaml").read_text() == COMMENTED.replace("serial: 4 ", "serial: 6 ")
    revision = policy(COMMENTED).revision
    assert run("rollback", "--to", revision[:6], *WHO, "--yes", "--no-impact").exit_code == 0
    unknown = run("rollback", "--to", "zz", *WHO, "--yes")
    assert isinstance(unknown.exception, CallerMistake) and revision in unknown.exception.fix


LIVE = edited({1: "serial: 5"})
HOURS = {21: "valves: {max_automated_hours: 36}"}


@pytest.fixture
def broken(desk: Path) -> Path:
    """A broken policy file, while the last good policy is live."""
    (desk / "policy.yaml").write_text(BROKEN)
    return desk


@pytest.mark.parametrize("content", [BROKEN, edited({1: "serial: 4"}), None], ids=["broken", "behind", "gone"])
def test_apply_of_live_policy_restores_differing_file(desk, content):
    path = desk / "policy.yaml"
    path.unlink()
    if content is not None:
        path.write_text(content)
    (desk / "new.yaml").write_text("# the last good one\n" + edited({1: "serial: 3"}))
    result = run("apply", str(desk / "new.yaml"), *WHO, "--yes")
    assert result.exit_code == 0, result.output
    assert (
        f"{policy(LIVE).revision} (serial 5) is live, but {path} differs: the live policy is put back" in result.stdout
    )
    assert path.read_text() == "# the last good one\n" + LIVE, "no new serial"
    assert policy(path.read_text()).revision == policy(LIVE).revision
    result = run("apply", str(desk / "new.yaml"), *WHO, "--yes")
    assert result.exit_code == 3 and "nothing changes" in result.stdout


def test_rollback_to_live_policy_restores_differing_file(broken):
    result = run("rollback", "--to", policy(LIVE).revision, *WHO, answer="y\n")
    assert result.exit_code == 0, result.output
    assert (broken / "policy.yaml").read_text() == LIVE


def test_apply_of_equal_rules_written_otherwise_writes_them(desk):
    other = LIVE.replace("overrides:", "overrides:\n      - {country: BR, confidence: 0.95}")
    (desk / "new.yaml").write_text(other)
    result = run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact")
    assert result.exit_code == 0 and f"  {WRITTEN_OTHERWISE}\n" in result.stdout
    assert (desk / "policy.yaml").read_text() == other.replace("serial: 5", "serial: 6")


def test_apply_writes_edit_of_every_key(desk, monkeypatch):
    live = record(text_of(BEFORE))
    topic = PolicyTopic({live.revision: (0, live)}, {})

    async def read(settings):
        return topic

    monkeypatch.setattr(policies, "read_policy_topic", read)
    for edit in every_edit(overrides=False):
        (desk / "policy.yaml").write_text(edit.text)
        (desk / "new.yaml").write_text(edit.text)
        result = run("apply", str(desk / "new.yaml"), *WHO, "--yes", "--no-impact")
        assert result.exit_code == 0, (edit.name, result.output)
        changes = differences(policy(text_of(BEFORE)), policy(edit.text))
        assert changes and all(f"  {line}\n" in result.stdout for line in changes), edit.name
        assert (desk / "policy.yaml").read_text() == edit.text.replace('"serial": 1', '"serial": 2'), edit.name


def confirmed_after(monkeypatch: pytest.MonkeyPatch, happens) -> None:
    """Run `happens` while the question is open."""

    def confirm(*_: object, **__: object) -> bool:
        happens()
        return True

    monkeypatch.setattr("typer.confirm", confirm)


def test_apply_stops_when_another_policy_went_live(desk, monkeypatch):
    theirs = record(edited({1: "serial: 6", 9: "    suppress_at: 0.65"}), actor="meera")
    topic = PolicyTopic({one.revision: (at, one) for at, one in enumerate([record(LIVE), theirs])}, {})

    def goes_live() -> None:
        async def read(settings):
            return topic

        monkeypatch.setattr(policies, "read_policy_topic", read)

    confirmed_after(monkeypatch, goes_live)
    before = (desk / "policy.yaml").read_text()
    result = run("apply", str(desk / "new.yaml"), *WHO, "--no-impact")
    assert isinstance(result.exception, CallerMistake), result.output
    assert f"{theirs.revision} (serial 6) by meera went live meanwhile: nothing was written" in str(result.exception)
    assert "policy status" in result.exception.fix
    assert (desk / "policy.yaml").read_text() == before and not note_path(desk / "policy.yaml").exists()


@pytest.mark.parametrize("command", [("apply", "new.yaml"), ("rollback",)])
def test_change_stops_when_file_was_changed_meanwhile(desk, monkeypatch, command):
    theirs = edited({1: "serial: 6", 9: "    suppress_at: 0.65"})
    monkeypatch.chdir(desk)
    confirmed_after(monkeypatch, lambda: (desk / "policy.yaml").write_text(theirs))
    result = run(*command, *WHO, "--no-impact")
    assert isinstance(result.exception, CallerMistake), result.output
    assert "policy.yaml was changed meanwhile: nothing was written" in str(result.exception)
    assert (desk / "policy.yaml").read_text() == theirs and not note_path(desk / "policy.yaml").exists()


@pytest.mark.parametrize(
    ("began", "printed"),
    [
        ({"w1": 48, "w2": 36}, []),
        ({"w1": 48, "w2": 24, "w3": 24}, ["w2, w3: valves.max_automated_hours 36 is above the 24"]),
        ({"w1": 12, "w2": 24}, ["w1: valves.max_automated_hours 36 is above the 12", "w2: valves.max"]),
        ({}, ["valves.max_automated_hours 36 is above the 24"]),
    ],
    ids=["none", "two", "each separately", "no report"],
)
def test_apply_names_workers_that_need_restart(desk, monkeypatch, began, printed):
    file = str(desk / "policy.yaml")
    reports = {name: replace(report(name, "same", ""), began_hours=hours, file=file) for name, hours in began.items()}
    reports["gone"] = replace(report("gone", "same", "", age_ms=GONE_MS + 1), began_hours=1)
    live = record(LIVE)

    async def read(settings):
        return PolicyTopic({live.revision: (0, live)}, reports)

    monkeypatch.setattr(policies, "read_policy_topic", read)
    monkeypatch.setattr("streams.cli.policy_change.now_ms", lambda: NOW)
    (desk / "new.yaml").write_text(edited({1: "serial: 6"} | HOURS))
    result = run("apply", str(desk / "new.yaml"), *WHO, "--no-impact", "--yes")
    found = [line.strip() for line in result.stdout.splitlines() if "they need a restart" in line]
    assert len(found) == len(printed) and all(one.startswith(what) for one, what in zip(found, printed, strict=True)), (
        found
    )


def test_write_policy_keeps_symlink_and_reports_unwritable_folder(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "policy.yaml"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "policy.yaml"
    link.symlink_to(target)
    write_policy(link, b"new", "abc", actor="a", reason="r")
    assert link.is_symlink() and target.read_text() == "new" and target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(CallerMistake, match="cannot write"):
        write_policy(tmp_path / "none" / "policy.yaml", b"new", "abc", actor="a", reason="r")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_write_policy_keeps_owner_and_group(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("old")
    path.chmod(0o640)
    os.chown(path, 1234, 4321)
    write_policy(path, b"new", "abc", actor="a", reason="r")
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 4321, 0o640) and path.read_text() == "new"


def test_replace_file_without_chown_right_keeps_group(tmp_path, monkeypatch):
    asked: list[tuple[int, int]] = []

    def chown(_name, user, group):
        asked.append((user, group))
        if user != -1:
            raise PermissionError

    path = tmp_path / "policy.yaml"
    path.write_text("old")
    monkeypatch.setattr("os.chown", chown)
    replace_file(path, b"new")
    owner = path.stat()
    assert asked == [(owner.st_uid, owner.st_gid), (-1, owner.st_gid)] and path.read_bytes() == b"new"


# ---- status ----


def progress(shard: int, *revisions: str) -> Progress:
    """Progress of 20 seconds ago: the second activation is in force, a third is still to come."""
    activations = [
        Activation(revision, at, NOW - 30_000 + at * 10_000, "", "0" * 12) for at, revision in enumerate(revisions)
    ]
    return Progress(shard=shard, settled_ms=NOW - 20_000, position=1, replay_offset=0, activations=activations)


def report(worker: str, verdict: str, revision: str, *, age_ms: int = 1_000) -> WorkerReport:
    return WorkerReport(worker=worker, file="policy.yaml", revision=revision, verdict=verdict, why="the words",
                        at_ms=NOW - age_ms, began_hours=24)  # fmt: skip


def test_status_lines():
    live = record(GOOD, actor="asha", reason="less noise", changes=("abuse: mode shadow → suppress",))
    reports = [report("w1", "same", live.revision), report("w2", "drift", "other"),
               report("w3", "same", live.revision, age_ms=GONE_MS + 1)]  # fmt: skip
    topic = PolicyTopic({live.revision: (3, live)}, {one.worker: one for one in reports})
    found = status_of(
        topic, {0: progress(0, "old", live.revision), 1: progress(1, "old", "old", live.revision)}, 3, NOW
    )
    assert found is not None and not found.well
    assert lines(found) == [
        f"revision {live.revision} live on 1/3 shards, 1/2 workers, since 2027-01-15 07:59 UTC (serial 1)",
        "by asha: less noise",
        "from: file of w1",
        "  abuse: mode shadow → suppress",
        "shards 2: revision none yet",
        "shards 1: revision old",
        "worker w2: policy.yaml: drift: the words",
    ]
    every = {shard: progress(shard, live.revision) for shard in range(3)}
    well = status_of(PolicyTopic(topic.kept, {"w1": reports[0]}), every, 3, NOW)
    assert well is not None and well.well and "3/3 shards, 1/1 workers" in lines(well)[0]
    assert status_of(PolicyTopic({}, {}), {}, 3, NOW) is None


def test_status_is_not_well_without_workers_or_shards():
    live = record(GOOD, actor="asha")
    topic = PolicyTopic({live.revision: (0, live)}, {"w1": report("w1", "same", live.revision)})
    every = {shard: progress(shard, live.revision) for shard in range(2)}
    later = status_of(topic, every, 2, NOW + GONE_MS)
    assert later is not None and later.shards_live == 2 and not later.well
    assert "0/0 workers" in lines(later)[0] and lines(later)[-1].startswith("no worker with the stage ingest")
    topic = PolicyTopic(topic.kept, {"w1": report("w1", "same", live.revision, age_ms=-STALLED_MS)})
    stalled = status_of(topic, every | {1: replace(every[1], settled_ms=NOW + STALLED_MS - 15_000)}, 2,
                          NOW + STALLED_MS)  # fmt: skip
    assert stalled is not None and stalled.workers_live == 1 and not stalled.well
    assert "live on 1/2 shards" in lines(stalled)[0]
    assert lines(stalled)[-1] == "shard 0: settled up to 2027-01-15 07:59 UTC only"


def test_status_counts_shards_of_topic(monkeypatch):
    live = record(GOOD, actor="asha")
    topics = Topics()
    topics.append("policy", 0, encode_policy_record(live))
    topics.append("policy", 0, encode_policy_record(report("w1", "same", live.revision)), key=b"worker|w1")
    for shard in range(2):
        topics.append("suppression-decisions", shard, encode_record(progress(shard, live.revision)))
    monkeypatch.setattr("streams.log.reading.LogReader", topics.reader)
    monkeypatch.setattr("streams.log.policies.LogReader", topics.reader)
    monkeypatch.setattr("streams.cli.policy_status.now_ms", lambda: NOW)
    for shards in ("1", "16"):
        monkeypatch.setenv("HUSHTAG_SHARDS", shards)
        result = run("status")
        assert result.exit_code == 0 and "live on 2/2 shards, 1/1 workers" in result.stdout, result.output
    assert json.loads(run("status", "--json").stdout)["stalled"] == {}


@pytest.mark.parametrize("arguments", [["status"], ["rollback", *WHO], ["apply", "config/policy.yaml", *WHO]])
def test_absent_broker_is_reported_once(monkeypatch, caplog, arguments):
    async def away(*_):
        logging.getLogger("aiokafka.client").warning("Unable connect")
        raise DependencyAway("no answer")

    monkeypatch.setattr(policies, "read_policy_topic", away)
    with caplog.at_level(logging.WARNING, "aiokafka"):
        assert isinstance(run(*arguments).exception, DependencyAway)
    assert caplog.records == []


# ---- through the topic ----


@pytest.fixture
def published(desk: Path, monkeypatch: pytest.MonkeyPatch) -> list[PolicyDraft]:
    """Drafts that the command publishes, in place of Kafka."""
    drafts: list[PolicyDraft] = []

    async def publish(settings, draft, *, actor, reason):
        drafts.append(draft)
        return record(draft.text.decode(), actor=actor, reason=reason, via="topic"), 7

    monkeypatch.setattr("streams.policy_activation.publish_policy", publish)
    return drafts


def test_apply_to_topic_writes_no_file(desk, published):
    before = (desk / "policy.yaml").read_text()
    options = ("--to", "topic", "--if-live", policy(LIVE).revision[:5])
    result = run("apply", str(desk / "new.yaml"), *WHO, *options, "--no-impact", answer="y\n")
    assert result.exit_code == 0, result.output
    assert "abuse: suppress_at 0.5 → 0.7, except in IN" in result.stdout
    assert "record 7 written" in result.stdout and "hushtag policy status" in result.stdout
    [draft] = published
    assert (
        draft.policy.serial == 6
        and draft.sequence == 1
        and draft.text.decode() == COMMENTED.replace("serial: 4 ", "serial: 6 ")
    )
    assert (desk / "policy.yaml").read_text() == before and not note_path(desk / "policy.yaml").exists()


def test_apply_to_topic_refuses_unchanged_or_overtaken_policy(desk, published):
    (desk / "same.yaml").write_text("# the same\n" + LIVE)
    same = run("apply", str(desk / "same.yaml"), *WHO, "--to", "topic", "--yes")
    assert same.exit_code == 3 and "nothing changes" in same.stdout
    stale = run("apply", str(desk / "new.yaml"), *WHO, "--to", "topic", "--if-live", "zz", "--yes")
    assert isinstance(stale.exception, PolicyOvertaken) and stale.exception.exit_code == 3
    assert f"policy {policy(LIVE).revision} (serial 5) by w1 is live, not zz" in str(stale.exception)
    alone = run("apply", str(desk / "new.yaml"), *WHO, "--if-live", "zz", "--yes")
    assert isinstance(alone.exception, CallerMistake) and "--to topic" in alone.exception.fix
    silent = run("apply", str(desk / "new.yaml"), *WHO, "--to", "topic", "--no-impact", answer="n\n")
    assert silent.exit_code == 3 and "nothing was written" in silent.stdout
    assert not published


def test_rollback_through_topic_publishes_the_earlier_text(desk, published):
    result = run("rollback", "--topic", *WHO, "--yes", "--no-impact")
    assert result.exit_code == 0, result.output
    assert published[0].text.decode() == COMMENTED.replace("serial: 4 ", "serial: 6 ")
    assert (desk / "policy.yaml").read_text() == LIVE


def test_status_of_policy_from_topic_accepts_older_files():
    live = record(GOOD, actor="asha", via="topic")
    reports = {"w1": report("w1", "behind", "older"), "w2": report("w2", "same", live.revision)}
    every = {0: progress(0, live.revision)}
    found = status_of(PolicyTopic({live.revision: (3, live)}, reports), every, 1, NOW)
    assert found is not None and found.well and found.source == "topic"
    assert "from: hushtag policy apply --to topic" in lines(found)
    assert any(line.startswith("worker w1: policy.yaml: behind") for line in lines(found)), "reported, but no fault"
    drifted = {"w1": report("w1", "drift", "other")}
    other = status_of(PolicyTopic({live.revision: (3, live)}, drifted), every, 1, NOW)
    assert other is not None and not other.well


def test_status_names_records_that_cannot_be_read():
    live = record(GOOD)
    skipped = {9: SkippedPolicyRecord(b"k", None, ContractError("empty"))}
    topic = PolicyTopic({live.revision: (3, live)}, {"w1": report("w1", "same", live.revision)}, unreadable=skipped)
    found = status_of(topic, {0: progress(0, live.revision)}, 1, NOW)
    assert found is not None and not found.well
    assert "record 9 of the topic cannot be read and is skipped" in lines(found)
