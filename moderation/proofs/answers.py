"""Answers of a successful check in plain words: what was verified, and what it does not prove."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.audit.tlog.cosignature import Cosignature
from moderation.proofs.history import PublishedHead
from moderation.proofs.proof_file import VerifiedEntry
from moderation.proofs.report import VerifiedReport
from moderation.proofs.shown import target_is_open
from moderation.proofs.trust import Trust
from moderation.wording import iso_words

_MAX_SECONDS = 10**11


def entry_lines(verified: VerifiedEntry, trust: Trust, head: PublishedHead | None) -> list[str]:
    """Describe a verified entry."""
    lines = [f"verified: entry {verified.index} of the log {trust.log}"]
    lines += [f"  {name}: {_value(value)}" for name, value in verified.opened.items()]
    lines.append(f"checkpoint: {verified.checkpoint.size} entries, signed by the log{_witnesses(verified.cosigned_by)}")
    if head is None:
        lines.append("not compared with the published log: give --folder to do that")
    else:
        lines.append(f"published log: contains this checkpoint; it has {head.checkpoint.size} entries now")
    if not target_is_open(verified.opened):
        lines.append("not proven: which hashtag, account or tweet is meant; an entry about an order does not open it")
    lines += _limits(trust)
    lines.append("does not prove: that the decision was right, or that texts around these fields repeat them correctly")
    return lines


def report_lines(verified: VerifiedReport, trust: Trust) -> list[str]:
    """Describe a verified report."""
    size = verified.checkpoint.size
    lines = [f"verified: the report opens the first {size} entries of the log {trust.log}, and leaves out none of them"]
    if verified.period.days is None:
        lines.append("not recounted: the report is not of whole days in UTC, so no number was compared with the log")
    else:
        lines.append("recounted from {} to {}, UTC:".format(*verified.period.days))
    lines += [
        f"  {_printable(one.number)}: {'at least ' if one.at_least else ''}{one.value}" for one in verified.numbers
    ]
    lines.append(_as_of(verified))
    if verified.without_effect:
        lines.append(f"not proven: {verified.without_effect} entries are left out as without effect")
    lines.append(f"checkpoint: {size} entries, signed by the log{_witnesses(verified.cosigned_by)}")
    lines.append(f"published log: contains this checkpoint; it has {verified.head.checkpoint.size} entries now")
    lines += _limits(trust)
    lines.append("does not prove: that each decision was logged, or the report's numbers that are not listed above")
    return lines


def _as_of(verified: VerifiedReport) -> str:
    count = verified.later_entries
    later = f"{count} later {'entry of the log is' if count == 1 else 'entries of the log are'} not in it"
    if verified.as_of_seconds is None:
        return f"not proven: that it counts up to the end of its period, as no witness gives a time; {later}"
    at = _time(verified.as_of_seconds)
    return (
        f"counts as of {at}: {later}"
        if verified.period_over
        else (f"not final: it counts as of {at}, before its period ended; {later}")
    )


def head_lines(head: PublishedHead, trust: Trust, compared: bool) -> list[str]:
    """Describe a verified log."""
    lines = [f"verified: {head.checkpoint.size} entries of the log {trust.log} have the root that it signed"]
    lines.append(f"checkpoint: signed by the log{_witnesses(head.cosigned_by)}")
    lines.append(
        "history: contains the checkpoint that you saw before" if compared else "history: nothing to compare with"
    )
    return lines + _limits(trust)


def _witnesses(cosigned_by: Sequence[Cosignature]) -> str:
    names = ", ".join(f"{one.witness} at {_time(one.at_seconds)}" for one in cosigned_by)
    return f"; cosigned by {names}" if names else ""


def _limits(trust: Trust) -> list[str]:
    if trust.witness_keys and trust.quorum != 0:
        return []
    return ["not excluded: another history of the log for others, because no witness's key was given"]


def _time(seconds: int) -> str:
    return iso_words(seconds * 1000) if seconds < _MAX_SECONDS else f"second {seconds}"


def _value(value: str | int | None) -> str:
    return "(none)" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """Escape characters that a terminal would act on."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
