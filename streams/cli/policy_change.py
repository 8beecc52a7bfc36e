"""`hushtag policy diff`, `apply`, `rollback`: compare policies, put one live, put an earlier one back."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from streams.cli.inputs import confirm, load_policy_file, require_account
from streams.cli.options import Actor, JsonLines, NewPolicy, Reason, ShowImpact, Yes
from streams.cli.output import in_utc, print_json, quieten, replace_file
from streams.clock import now_ms
from streams.console import PlainConsole
from streams.errors import EXIT_NO, CallerMistake, PolicyError
from streams.policy import Policy, parse_policy
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.policies import PolicyRecord, PolicyTopic

Since = Annotated[str, typer.Option(metavar="DURATION", help="How far back the impact looks: 30m, 24h, ...")]


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD.yaml", help="Policy file to compare with.", show_default=False)],
    new: NewPolicy,
    as_json: JsonLines = False,
) -> None:
    """Describe the differences between two policy files, one a line."""
    from streams.policy.diff import differences

    changes = differences(load_policy_file(old), load_policy_file(new))
    if as_json:
        print_json(*({"change": line} for line in changes))
    else:
        print("\n".join(changes) or "the same policy")


def apply(
    new: NewPolicy,
    reason: Reason,
    actor: Actor,
    yes: Yes = False,
    impact: ShowImpact = True,
    since: Since = "24h",
    to: Annotated[
        Literal["file", "topic"],
        typer.Option(help="Write it to the file HUSHTAG_POLICY, or straight to the policy topic."),
    ] = "file",
    if_live: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION",
            help="With --to topic: apply only if this revision (or its first digits) is live.",
            show_default="the revision compared with",
        ),
    ] = None,
) -> None:
    """Put a policy live: check it, show its impact, ask, and write it to HUSHTAG_POLICY in one step.

    Comments are kept. The serial is raised above the live one if needed. Actor, time, reason and changes are kept in
    the `policy` topic once a worker has put the policy live. If NEW.yaml is live already, only the file is restored.
    Changes that others make meanwhile are never overwritten. A file that no live worker reads is refused.

    With --to topic no file is written: the policy goes live within seconds on workers whose file cannot be changed. If
    another policy goes live meanwhile, the command exits with 3 and names it.
    """
    from streams.log.policies import read_policy_topic

    settings = load_settings()
    if if_live is not None and to != "topic":
        raise CallerMistake("--if-live needs --to topic", fix="add --to topic, or leave --if-live out")
    load_policy_file(new, settings.shards)
    quieten()
    topic = asyncio.run(read_policy_topic(settings))
    text, past = new.read_bytes(), since if impact else None
    if to == "topic":
        _put_into_topic(settings, topic, text, reason=reason, actor=actor, yes=yes, since=past, if_live=if_live)
    else:
        _put(settings, topic, text, reason=reason, actor=actor, yes=yes, since=past)


def rollback(
    reason: Reason,
    actor: Actor,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION", help="Revision, or its first digits.", show_default="the one before the live policy"
        ),
    ] = None,
    yes: Yes = False,
    impact: ShowImpact = True,
    since: Since = "24h",
    topic_only: Annotated[
        bool, typer.Option("--topic", help="Write it straight to the policy topic, and leave the file as it is.")
    ] = False,
) -> None:
    """Put an earlier policy live again: its file as it was, under a new serial."""
    from streams.log.policies import read_policy_topic
    from streams.policy_activation import earlier_policy, text_of

    settings = load_settings()
    quieten()
    topic = asyncio.run(read_policy_topic(settings))
    earlier = earlier_policy(topic, to)
    print(
        f"policy to restore: {earlier.revision} (serial {earlier.serial})"
        + (f": {earlier.reason}" if earlier.reason else "")
    )
    text, past = text_of(earlier).encode("utf-8"), since if impact else None
    if topic_only:
        _put_into_topic(settings, topic, text, reason=reason, actor=actor, yes=yes, since=past)
    else:
        _put(settings, topic, text, reason=reason, actor=actor, yes=yes, since=past)


def _put(
    settings: Settings, topic: PolicyTopic, text: bytes, *, reason: str, actor: str, yes: bool, since: str | None
) -> None:
    from streams.policy.diff import differences
    from streams.policy.places import with_serial
    from streams.policy_activation import restarts_for

    require_account(reason, actor)
    readers = _readers(settings, topic)
    live, before = topic.live, _content(settings.policy)
    policy = parse_policy(text, "the new policy", shards=settings.shards)
    if live is not None:
        changes = differences(Policy.from_canonical(live.policy), policy)
        if not changes:
            text = _live_text(settings, live, text, before)
        elif policy.serial <= live.serial:
            text = with_serial(text, live.serial + 1)
        policy = parse_policy(text, "the new policy", shards=settings.shards)
        if changes:
            print(f"policy {live.revision} (serial {live.serial}) → {policy.revision} (serial {policy.serial}):")
            for line in [*changes, *restarts_for(topic, policy, now_ms())]:
                print(f"  {line}")
            if since is not None:
                _show_impact(settings, policy, text, since)
    if not yes and not confirm(f"write it to {settings.policy}?"):
        print("nothing was written")
        raise typer.Exit(EXIT_NO)
    _check_that_nothing_changed(settings, live, before)
    write_policy(settings.policy, text, policy.revision, actor=actor, reason=reason)
    if readers:
        print(f"{settings.policy} written. {', '.join(readers)} read it and put it live; see: hushtag policy status")
    else:
        print(f"{settings.policy} written. No worker is running: the next one that reads this file puts it live")


def _readers(settings: Settings, topic: PolicyTopic) -> list[str]:
    """Return the live workers that read the policy file; empty where no worker is live.

    Raises:
        CallerMistake: the live workers read other files.
    """
    from streams.policy_activation import workers_there

    workers = workers_there(topic, now_ms())
    names = [worker.worker for worker in workers if Path(worker.file).resolve() == settings.policy.resolve()]
    if workers and not names:
        others = ", ".join(sorted({worker.file for worker in workers}))
        through = "; the live policy came through the topic" if topic.live and topic.live.via == "topic" else ""
        raise CallerMistake(
            f"no live worker reads {settings.policy.absolute()}: they read {others}{through}",
            fix="set HUSHTAG_POLICY to the file that they read, or use the topic: policy apply --to topic, "
            "policy rollback --topic",
        )
    return names


def _put_into_topic(
    settings: Settings,
    topic: PolicyTopic,
    text: bytes,
    *,
    reason: str,
    actor: str,
    yes: bool,
    since: str | None,
    if_live: str | None = None,
) -> None:
    from streams.policy_activation import draft_policy, publish_policy

    require_account(reason, actor)
    draft = draft_policy(topic, text, shards=settings.shards, if_live=if_live)
    live = draft.live
    if not draft.changes:
        print(f"nothing changes: {live.revision} is live")
        raise typer.Exit(EXIT_NO)
    print(f"policy {live.revision} (serial {live.serial}) → {draft.policy.revision} (serial {draft.policy.serial}):")
    for line in draft.changes:
        print(f"  {line}")
    if since is not None:
        _show_impact(settings, draft.policy, draft.text, since)
    if not yes and not confirm(f"write it to the topic {settings.topic('policy')}?"):
        print("nothing was written")
        raise typer.Exit(EXIT_NO)
    record, offset = asyncio.run(publish_policy(settings, draft, actor=actor, reason=reason))
    begins = in_utc(record.from_tick_ms, seconds=True)
    print(f"record {offset} written: {record.revision} is live from {begins}. Workers activate it within seconds;")
    print("see: hushtag policy status")


def _content(path: Path) -> bytes | None:
    """Return a file's content; None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _live_text(settings: Settings, live: PolicyRecord, text: bytes, before: bytes | None) -> bytes:
    """Return the text to write when the requested policy is live already: with the live serial, so the live revision.

    Ends the command where the file has the live policy.
    """
    from streams.policy.places import with_serial

    try:
        shards = settings.shards
        if before is not None and parse_policy(before, str(settings.policy), shards=shards).revision == live.revision:
            print(f"nothing changes: {live.revision} is live")
            raise typer.Exit(EXIT_NO)
    except PolicyError:
        pass
    print(f"{live.revision} (serial {live.serial}) is live, but {settings.policy} differs: the live policy is put back")
    return with_serial(text, live.serial)


def _check_that_nothing_changed(settings: Settings, live: PolicyRecord | None, before: bytes | None) -> None:
    """Check that the live policy and the file are still those that the change was compared with.

    Raises:
        CallerMistake: another change was made while the impact was computed or the question was open.
    """
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
            fix="look at `hushtag policy status`, then repeat the change if still wanted",
        )


def _show_impact(settings: Settings, policy: Policy, text: bytes, since: str) -> None:
    from streams.cli.policy_impact import judge, show

    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text)
        file.flush()
        report = judge(settings, Path(file.name), since=since, evidence=None, live=None)
        show(report, PlainConsole())


def write_policy(path: Path, text: bytes, revision: str, *, actor: str, reason: str) -> None:
    """Replace a policy file in one step, after its note: a reader of the new file finds the new note.

    A symbolic link is kept, and its target is replaced.

    Raises:
        CallerMistake: the file cannot be written.
    """
    from streams.policy.proposal import PolicyNote, note_path

    try:
        replace_file(note_path(path), msgspec.json.encode(PolicyNote(revision=revision, actor=actor, reason=reason)))
        replace_file(path.resolve(), text)
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="HUSHTAG_POLICY must be in a folder that you may write to"
        ) from error
