"""Answers of a successful check in plain words: what was verified, and what it does not prove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moderation.publiclog.proofs.verify_proof import Keys
from moderation.wording import iso_words

_MAX_SECONDS = 10**11
Answer = Mapping[str, Any]
"""Answer of `verify_proof` as JSON."""


def entry_lines(answer: Answer, keys: Keys) -> list[str]:
    """Describe a verified entry, statement or reply."""
    lines = [f"verified: entry {answer['index']} of the log {answer['log']}"]
    lines += [f"  {name}: {_value(value)}" for name, value in answer["opened"].items() if name != "facts"]
    if "facts" in answer["opened"] and answer["not_verified"]:
        lines.append("its words, and its members that are not listed next, say what the log says")
    lines += _not_verified(answer)
    lines.append(f"checkpoint: {answer['size']} entries, signed by the log{_witnesses(answer)}")
    if "published_size" in answer:
        lines.append(f"published log: contains this checkpoint; it has {answer['published_size']} entries now")
    else:
        lines.append("not compared with the published log: give --folder to do that")
    return [*lines, *_limits(keys), "does not prove: that the decision was right"]


def report_lines(answer: Answer, keys: Keys) -> list[str]:
    """Describe a verified report."""
    size = answer["size"]
    lines = [f"verified: the report opens the first {size} entries of the log {answer['log']}, and leaves out none"]
    if answer["days"] is None:
        lines.append("not recounted: the report is not of whole days in UTC, so no number was compared with the log")
    else:
        lines.append("recounted from {} to {}, UTC:".format(*answer["days"]))
    lines += [f"  {_printable(name)}: {count}" for name, count in answer["numbers"].items()]
    lines += [f"  {_printable(name)}: at least {count}" for name, count in answer["at_least"].items()]
    lines += _not_verified(answer)
    if answer["published_as"] is not None:
        lines.append(
            f"published: the log has the publication of exactly this file, as {_printable(answer['published_as'])}; "
            "that holds for its other numbers too, which were not counted again"
        )
    lines.append(_as_of(answer))
    lines.append(f"checkpoint: {size} entries, signed by the log{_witnesses(answer)}")
    lines.append(f"published log: contains this checkpoint; it has {answer['published_size']} entries now")
    return [*lines, *_limits(keys), "does not prove: that each decision was logged"]


def log_lines(answer: Answer, keys: Keys, compared: bool) -> list[str]:
    """Describe a verified log; `compared`: with a checkpoint that was seen before."""
    return [
        f"verified: {answer['size']} entries of the log {answer['log']} have the root that it signed",
        f"checkpoint: signed by the log{_witnesses(answer)}",
        "history: contains the checkpoint that you saw before" if compared else "history: nothing to compare with",
        *_limits(keys),
    ]


def _not_verified(answer: Answer) -> list[str]:
    names = ", ".join(map(_printable, answer["not_verified"]))
    return [f"not verified: {names}"] if names else []


def _as_of(answer: Answer) -> str:
    count, seconds = answer["later_entries"], answer["as_of_seconds"]
    later = f"{count} later {'entry of the log is' if count == 1 else 'entries of the log are'} not in it"
    if seconds is None:
        return f"not proven: that it counts up to the end of its period, as no witness gives a time; {later}"
    if answer["period_over"]:
        return f"counts as of {_time(seconds)}: {later}"
    return f"not final: it counts as of {_time(seconds)}, before its period ended; {later}"


def _witnesses(answer: Answer) -> str:
    names = ", ".join(f"{name} at {_time(seconds)}" for name, seconds in answer["cosigned_by"].items())
    return f"; cosigned by {names}" if names else ""


def _limits(keys: Keys) -> list[str]:
    if keys.quorum:
        return []
    return ["not excluded: another history of the log for others, because no witness's key was given"]


def _time(seconds: int) -> str:
    return iso_words(seconds * 1000) if seconds < _MAX_SECONDS else f"second {seconds}"


def _value(value: str | int | None) -> str:
    return "(none)" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """Escape characters that a terminal would act on."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
