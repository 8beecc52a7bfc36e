"""`hushtag policy suggest`: the threshold that tags labelled by people ask for."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from hushtag_client.normalise import normalise
from rich.console import Console
from rich.table import Table

from streams.cli.files import load_policy_file
from streams.errors import EXIT_NO, CallerMistake
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.backtest.suggest import Point, Suggestion

SHOWN = 12
_YES, _NO = {"1", "true", "yes", "harmful"}, {"0", "false", "no", "harmless", "clean"}


def suggest(
    labels: Annotated[
        Path, typer.Option(help="CSV with a head: hashtag,harmful (yes or no), and category if you like.")
    ],
    min_precision: Annotated[
        float, typer.Option(help="Of the tags hit, how many must be harmful.", min=0.01, max=1)
    ] = 0.95,
    policy: Annotated[
        Path | None, typer.Option(help="Its floors and corroboration count.", show_default="live")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="How far back: 30m, 24h, ... With --evidence: from its last record back.",
            show_default="168h; with --evidence all of it",
        ),
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="Evidence from a file instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a category.")] = False,
) -> None:
    """Find the lowest suppress_at that would hit harmful tags only, as far as people have labelled them.

    Precision and recall at every threshold, with confidence intervals. Exit 3 if none meets the target.
    """
    from streams.backtest.coverage import needs_replay
    from streams.backtest.peaks import Peaks
    from streams.backtest.suggest import suggest as choose
    from streams.cli.impact import duration_ms, feed_from_file, feed_from_log, live_policy

    settings, told = load_settings(), read_labels(labels)
    back_ms = duration_ms(since) if since is not None else None
    if evidence is not None:
        rules = load_policy_file(policy or settings.policy)
        _check_categories(labels, told, rules.category_names)
        peaks = Peaks(rules)
        feed_from_file(peaks.add, evidence, back_ms)
    else:
        rules = load_policy_file(policy) if policy else asyncio.run(live_policy(settings))
        _check_categories(labels, told, rules.category_names)
        peaks = Peaks(rules)
        asyncio.run(feed_from_log(peaks.add, settings, duration_ms("168h") if back_ms is None else back_ms))
    found = peaks.finish()
    unknown: dict[str, list[str]] = {}
    for (category, _), why in sorted(needs_replay(rules, peaks.conditions).items()):
        unknown[category] = list(dict.fromkeys([*unknown.get(category, []), *why]))
    answers = [
        choose(
            category,
            found[category],
            told.get(category, {}) or told.get("", {}),
            min_precision,
            protected=rules.never_suppressed,
            clear_at=rules.categories[category].clear_at,
        )
        for category in rules.category_names
        if category not in unknown
    ]
    if as_json:
        for answer in answers:
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        for category, reasons in unknown.items():
            sys.stdout.buffer.write(msgspec.json.encode({"category": category, "needs_replay": reasons}) + b"\n")
        sys.stdout.buffer.flush()
    else:
        for answer in answers:
            _show(answer, min_precision, Console(highlight=False, markup=False))
        for category, reasons in unknown.items():
            print(f"{category}: needs replay: {'; '.join(reasons)}")
    if not any(answer.chosen for answer in answers):
        raise typer.Exit(EXIT_NO)


def read_labels(path: Path) -> dict[str, dict[str, bool]]:
    """Labels by category ("" where the file has none) and normalised hashtag.

    Raises:
        CallerMistake: the file cannot be read, or a line of it.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerMistake(
            f"cannot read the labels {path}: {error}", fix="a CSV in UTF-8 with hashtag,harmful"
        ) from error
    rows = csv.DictReader(io.StringIO(text))
    if not {"hashtag", "harmful"} <= set(rows.fieldnames or ()):
        raise CallerMistake(
            f"{path}: the first line must name hashtag and harmful", fix="begin it with hashtag,harmful"
        )
    found: dict[str, dict[str, bool]] = {}
    for row in rows:
        said = (row["harmful"] or "").strip().casefold()
        if said not in _YES | _NO:
            raise CallerMistake(f"{path}:{rows.line_num}: harmful is {said[:40]!r}", fix="write yes or no")
        of_category = found.setdefault((row.get("category") or "").strip(), {})
        hashtag = normalise((row["hashtag"] or "").strip())
        if of_category.setdefault(hashtag, said in _YES) != (said in _YES):
            raise CallerMistake(f"{path}:{rows.line_num}: #{hashtag} has two labels", fix="keep one of them")
    return found


def _check_categories(path: Path, labels: Mapping[str, object], known: Sequence[str]) -> None:
    for category in labels:
        if category and category not in known:
            near = get_close_matches(category, known, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise CallerMistake(
                f"{path}: the policy has no category {category[:40]!r}", fix=f"{meant}It has {', '.join(known)}"
            )


def _show(answer: Suggestion, min_precision: float, console: Console) -> None:
    seen = f"{answer.labelled} labelled tags in the evidence, {answer.harmful} of them harmful"
    console.print(f"{answer.category}: {seen}", style="bold")
    if answer.protected:
        console.print(f"  left out: {answer.protected} that never_suppress protects")
    if answer.chosen is not None:
        console.print(f"  suppress_at: {answer.chosen.suppress_at:g}   {_in_words(answer.chosen)}")
        if answer.clear_at is not None:
            console.print(f"  clear_at: {answer.clear_at:g}   to lie below it: the policy's does not")
        if answer.chosen.precision_low < min_precision:
            console.print(f"  few labels: the precision may be as low as {answer.chosen.precision_low:.2f}")
    elif answer.best is not None:
        console.print(f"  no threshold does: best is {answer.best.suppress_at:g}, {_in_words(answer.best)}")
    else:
        console.print("  no threshold does: no labelled tag that is harmful would be hit at any")
    if answer.curve:
        table = Table("suppress_at", "hit", "precision", "recall", box=None, pad_edge=False)
        step = -(-len(answer.curve) // SHOWN)
        for point in answer.curve[::step]:
            table.add_row(
                f"{point.suppress_at:g}",
                str(point.hit),
                f"{point.precision:.2f} ({point.precision_low:.2f} to {point.precision_high:.2f})",
                f"{point.recall:.2f} ({point.recall_low:.2f} to {point.recall_high:.2f})",
            )
        console.print(table)


def _in_words(point: Point) -> str:
    return (
        f"precision {point.precision:.2f} ({point.precision_low:.2f} to {point.precision_high:.2f}), "
        f"recall {point.recall:.2f} ({point.recall_low:.2f} to {point.recall_high:.2f})"
    )
