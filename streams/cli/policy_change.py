"""`hushtag policy diff`, `apply`, `rollback`: a change said in words, tried, asked about, written, accounted for."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from streams.cli.asking import agreed
from streams.cli.files import load_policy_file, replace_file
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO, CallerMistake, PolicyError
from streams.policy import Policy, parse_policy
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.policies import PolicyRecord, PolicyTopic

Reason = Annotated[str, typer.Option(help="Why; kept with the policy.", show_default=False)]
Actor = Annotated[str, typer.Option(help="Who answers for it; kept with the policy.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Since = Annotated[str, typer.Option(help="How far back the impact looks.")]
Tried = Annotated[bool, typer.Option("--impact/--no-impact", help="Show what it would have done to the past.")]


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD.yaml", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW.yaml", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a change.")] = False,
) -> None:
    """Say in words what differs between two policies."""
    from streams.policy.diff import differences

    found = differences(load_policy_file(old), load_policy_file(new))
    for line in found:
        print(json.dumps({"change": line}, ensure_ascii=False) if as_json else line)
    if not found and not as_json:
        print("the same policy")


def apply(
    new: Annotated[Path, typer.Argument(metavar="NEW.yaml", help="The policy to put live.", show_default=False)],
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    impact: Tried = True,
    since: Since = "24h",
) -> None:
    """Put a policy in the place of HUSHTAG_POLICY: checked, tried on the past, asked about, written in one step.

    Comments stay as they are. Its serial is raised where it is not above the live one's. Who, when, why and what
    changed is kept in the `policy` topic once a worker has put it live. The live policy is put back where the file is
    not it. Nothing is written over what somebody else has put live, or there, meanwhile.
    """
    from streams.log.policies import read_policy_topic

    settings = load_settings()
    load_policy_file(new, settings.shards)
    quieten()
    topic = asyncio.run(read_policy_topic(settings))
    _put(settings, topic, new.read_bytes(), reason=reason, actor=actor, yes=yes, since=since if impact else None)


def rollback(
    reason: Reason,
    actor: Actor,
    to: Annotated[str | None, typer.Option(help="A revision.", show_default="the one before the live one")] = None,
    yes: Yes = False,
    impact: Tried = True,
    since: Since = "24h",
) -> None:
    """Put an earlier policy live again, as its file was, under a new serial."""
    from streams.log.policies import read_policy_topic

    settings = load_settings()
    quieten()
    topic = asyncio.run(read_policy_topic(settings))
    earlier = _earlier(topic, to)
    print(f"back to {earlier.revision} (serial {earlier.serial})" + (f": {earlier.reason}" if earlier.reason else ""))
    _put(settings, topic, _text_of(earlier), reason=reason, actor=actor, yes=yes, since=since if impact else None)


def _earlier(topic: PolicyTopic, revision: str | None) -> PolicyRecord:
    records = [record for _, record in topic.kept.values()]
    if revision is None:
        if len(records) < 2:
            raise CallerMistake("there is no policy before the live one", fix="`hushtag policy apply` puts one live")
        return records[-2]
    found = [record for record in records if record.revision.startswith(revision)]
    if len(found) != 1:
        known = ", ".join(record.revision for record in records[-5:]) or "none"
        raise CallerMistake(f"{len(found) or 'no'} revisions begin with {revision!r}", fix=f"the last ones are {known}")
    return found[0]


def _text_of(record: PolicyRecord) -> bytes:
    """The file as it was; of records of older versions, which have none, the policy without its comments."""
    if record.text:
        return record.text.encode("utf-8")
    from io import BytesIO

    from ruamel.yaml import YAML

    out = BytesIO()
    YAML(typ="safe", pure=True).dump(json.loads(record.policy), out)
    return out.getvalue()


def _put(
    settings: Settings, topic: PolicyTopic, text: bytes, *, reason: str, actor: str, yes: bool, since: str | None
) -> None:
    from streams.policy.diff import differences
    from streams.policy.write import with_serial

    for name, value in (("--reason", reason), ("--actor", actor)):
        if not value.strip():
            raise CallerMistake(f"{name} is empty", fix="say it in a few words: somebody will ask")
    live, before = topic.live, _content(settings.policy)
    policy = parse_policy(text, "the new policy", shards=settings.shards)
    if live is not None:
        changes = differences(Policy.from_canonical(live.policy), policy)
        if not changes:
            text = _put_back(settings, live, text, before)
        elif policy.serial <= live.serial:
            text = with_serial(text, live.serial + 1)
        policy = parse_policy(text, "the new policy", shards=settings.shards)
        if changes:
            print(f"policy {live.revision} (serial {live.serial}) → {policy.revision} (serial {policy.serial}):")
            for line in [*changes, *_restarts(topic, policy)]:
                print(f"  {line}")
            if since is not None:
                _show_impact(settings, policy, text, since)
    if not yes and not agreed(f"write it to {settings.policy}?"):
        print("nothing was written")
        raise typer.Exit(EXIT_NO)
    _check_that_nothing_came_between(settings, live, before)
    write_policy(settings.policy, text, policy.revision, actor=actor, reason=reason)
    print(f"{settings.policy} written. Workers that watch it take it up; see: hushtag policy status")


def _content(path: Path) -> bytes | None:
    """What stands in a file; None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _put_back(settings: Settings, live: PolicyRecord, text: bytes, before: bytes | None) -> bytes:
    """The text to write where what is asked for is live: the same under the live serial, so that it is the live one.

    Ends the command where the file is the live one already.
    """
    from streams.policy.write import with_serial

    def revision_of(text: bytes) -> str:
        return parse_policy(text, "the new policy", shards=settings.shards).revision

    try:
        if before is not None and revision_of(before) == live.revision:
            print(f"nothing changes: {live.revision} is live")
            raise typer.Exit(EXIT_NO)
    except PolicyError:
        pass
    print(f"{live.revision} (serial {live.serial}) is live, and {settings.policy} is not it: it is put back")
    again = with_serial(text, live.serial)
    return again if revision_of(again) == live.revision else _text_of(live)  # the same may be said in other rules


def _restarts(topic: PolicyTopic, policy: Policy) -> list[str]:
    """Which workers a policy asks to be restarted, by what each began with; where none has said, by what is live."""
    from streams.cli.policy_status import workers_there
    from streams.policy.restart import needs_restart

    assert topic.live is not None
    live_hours = Policy.from_canonical(topic.live.policy).valves.max_automated_hours
    there = workers_there(topic, now_ms())
    if not any(one.began_hours for one in there):
        return list(needs_restart(live_hours, policy))
    whose: dict[str, list[str]] = {}
    for one in there:
        for line in needs_restart(one.began_hours or live_hours, policy):
            whose.setdefault(line, []).append(one.worker)
    return [f"{', '.join(workers)}: {line}" for line, workers in whose.items()]


def _check_that_nothing_came_between(settings: Settings, live: PolicyRecord | None, before: bytes | None) -> None:
    """Trying and asking take as long as they take, and somebody else may have applied something."""
    from streams.log.policies import read_policy_topic

    now = asyncio.run(read_policy_topic(settings)).live
    what = ""
    if now is not None and (live is None or now.revision != live.revision):
        by = now.actor or now.proposed_by
        what = f"policy {now.revision} (serial {now.serial}) by {by} went live meanwhile"
    elif _content(settings.policy) != before:
        what = f"{settings.policy} was changed meanwhile"
    if what:
        raise CallerMistake(
            f"{what}: nothing was written",
            fix="look at `hushtag policy status`, then do it again if it is still wanted",
        )


def _show_impact(settings: Settings, policy: Policy, text: bytes, since: str) -> None:
    from streams.cli.impact import judge, show

    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text)
        file.flush()
        show(judge(settings, Path(file.name), since=since, evidence=None, live=None), Console(highlight=False))


def write_policy(path: Path, text: bytes, revision: str, *, actor: str, reason: str) -> None:
    """Replace a policy file in one step, the note before it: whoever sees the one sees the other.

    A symlink stays one, what it points to is replaced.

    Raises:
        CallerMistake: it cannot be written.
    """
    from streams.policy.note import Note, note_path

    try:
        replace_file(note_path(path), msgspec.json.encode(Note(revision=revision, actor=actor, reason=reason)))
        replace_file(path.resolve(), text)
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="HUSHTAG_POLICY must be in a folder that you may write to"
        ) from error
