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

from streams.cli.files import load_policy_file, replace_file
from streams.errors import EXIT_NO, CallerMistake
from streams.policy import Policy, parse_policy
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.pipeline.policies import PolicyRecord, PolicyTopic

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
    changed is kept in the `policy` topic once a worker has put it live.
    """
    from streams.pipeline.policies import read_policy_topic

    settings = load_settings()
    load_policy_file(new, settings.shards)
    topic = asyncio.run(read_policy_topic(settings))
    _put(settings, topic.live, new.read_bytes(), reason=reason, actor=actor, yes=yes, since=since if impact else None)


def rollback(
    reason: Reason,
    actor: Actor,
    to: Annotated[str | None, typer.Option(help="A revision.", show_default="the one before the live one")] = None,
    yes: Yes = False,
    impact: Tried = True,
    since: Since = "24h",
) -> None:
    """Put an earlier policy live again, as its file was, under a new serial."""
    from streams.pipeline.policies import read_policy_topic

    settings = load_settings()
    topic = asyncio.run(read_policy_topic(settings))
    earlier = _earlier(topic, to)
    print(f"back to {earlier.revision} (serial {earlier.serial})" + (f": {earlier.reason}" if earlier.reason else ""))
    _put(settings, topic.live, _text_of(earlier), reason=reason, actor=actor, yes=yes, since=since if impact else None)


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
    settings: Settings, live: PolicyRecord | None, text: bytes, *, reason: str, actor: str, yes: bool, since: str | None
) -> None:
    from streams.policy.diff import differences
    from streams.policy.restart import needs_restart
    from streams.policy.write import with_serial

    for name, value in (("--reason", reason), ("--actor", actor)):
        if not value.strip():
            raise CallerMistake(f"{name} is empty", fix="say it in a few words: somebody will ask")
    policy = parse_policy(text, "the new policy", shards=settings.shards)
    if live is not None:
        changes = differences(Policy.from_canonical(live.policy), policy)
        if not changes:
            print(f"nothing changes: {live.revision} is live")
            raise typer.Exit(EXIT_NO)
        if policy.serial <= live.serial:
            text = with_serial(text, live.serial + 1)
            policy = parse_policy(text, "the new policy", shards=settings.shards)
        print(f"policy {live.revision} (serial {live.serial}) → {policy.revision} (serial {policy.serial}):")
        for line in [*changes, *needs_restart(Policy.from_canonical(live.policy), policy)]:
            print(f"  {line}")
    if live is not None and since is not None:
        _show_impact(settings, policy, text, since)
    if not yes:
        _ask(settings.policy)
    write_policy(settings.policy, text, policy.revision, actor=actor, reason=reason)
    print(f"{settings.policy} written. Workers that watch it take it up; see: hushtag policy status")


def _show_impact(settings: Settings, policy: Policy, text: bytes, since: str) -> None:
    from streams.cli.impact import judge, show

    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text)
        file.flush()
        show(judge(settings, Path(file.name), since=since, evidence=None, live=None), Console(highlight=False))


def _ask(path: Path) -> None:
    try:
        if typer.confirm(f"write it to {path}?", err=True):
            return
    except typer.Abort:
        raise CallerMistake("nobody answered", fix="--yes applies it without asking") from None
    print("nothing was written")
    raise typer.Exit(EXIT_NO)


def write_policy(path: Path, text: bytes, revision: str, *, actor: str, reason: str) -> None:
    """Replace a policy file in one step, the note before it: whoever sees the one sees the other.

    A symlink stays one, what it points to is replaced.

    Raises:
        CallerMistake: it cannot be written.
    """
    from streams.pipeline.policies import Note, note_path

    try:
        replace_file(note_path(path), msgspec.json.encode(Note(revision=revision, actor=actor, reason=reason)))
        replace_file(path.resolve(), text)
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="HUSHTAG_POLICY must be in a folder that you may write to"
        ) from error
