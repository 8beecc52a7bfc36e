"""`hushtag policy suggest`: choose suppress_at from hashtags that people have labelled."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streams.cli.evidence_input import feed_from_file, feed_from_log, live_policy
from streams.cli.inputs import load_policy_file, since_ms
from streams.cli.lists import print_list
from streams.cli.options import EvidenceFile, JsonLines, parse_share
from streams.cli.output import print_json
from streams.console import PlainConsole
from streams.errors import EXIT_NO, CallerMistake
from streams.naming import tag_of
from streams.policy.names import check_name
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.backtest.suggestion import Suggestion, ThresholdPoint

SHOWN = 12
_YES, _NO = {"1", "true", "yes", "harmful"}, {"0", "false", "no", "harmless", "clean"}


def suggest(
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV with a header: hashtag, harmful (yes or no), optionally category.")
    ],
    min_precision: Annotated[
        float,
        typer.Option(
            parser=parse_share, metavar="SHARE", help="Smallest share of the hidden hashtags that must be harmful."
        ),
    ] = 0.95,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Policy file whose floors and corroboration apply.", show_default="the live policy"
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="How far back to look: 30m, 24h, ... With --evidence: back from the last record of the file.",
            show_default="168h; with --evidence the whole file",
        ),
    ] = None,
    evidence: EvidenceFile = None,
    as_json: JsonLines = False,
) -> None:
    """Find the lowest suppress_at that meets a precision on labelled hashtags, for each category.

    Prints the interval of that threshold, precision and recall at other thresholds with Wilson's intervals (1927), and
    the labelled hashtags that the evidence does not have. The threshold is above the policy's clear_at where the labels
    allow it. Exits with 3 if no threshold meets the precision.
    """
    from streams.backtest.coverage import needs_replay
    from streams.backtest.peaks import Peaks
    from streams.backtest.suggestion import suggest as choose

    settings, labelled = load_settings(), read_labels(labels)
    back_ms = since_ms(since) if since is not None else None
    if evidence is not None:
        rules = load_policy_file(policy or settings.policy)
    else:
        rules = load_policy_file(policy) if policy else asyncio.run(live_policy(settings, "--policy"))
    _check_categories(labels, labelled, rules.category_names)
    peaks = Peaks(rules)
    if evidence is not None:
        feed_from_file(peaks.add, evidence, back_ms)
    else:
        asyncio.run(feed_from_log(peaks.add, settings, since_ms("168h") if back_ms is None else back_ms))
    peaks_of = peaks.finish()
    uncovered: dict[str, list[str]] = {}
    for (category, _), reasons in sorted(needs_replay(rules, peaks.conditions).items()):
        uncovered[category] = list(dict.fromkeys([*uncovered.get(category, []), *reasons]))
    answers = [
        choose(
            category,
            peaks_of[category],
            labelled.get(category, {}) or labelled.get("", {}),
            min_precision,
            protected=rules.never_suppressed,
            clear_at=rules.categories[category].clear_at,
        )
        for category in rules.category_names
        if category not in uncovered
    ]
    if as_json:
        print_json(*answers)
        print_json(*({"category": category, "needs_replay": why} for category, why in uncovered.items()))
    else:
        for answer in answers:
            _show(answer, min_precision, PlainConsole(soft_wrap=True))
        for category, why in uncovered.items():
            print(f"{category}: needs replay: {'; '.join(why)}")
    if not any(answer.chosen for answer in answers):
        raise typer.Exit(EXIT_NO)


def read_labels(path: Path) -> dict[str, dict[str, bool]]:
    """Read labels by category ("" where the file has none) and normalised hashtag.

    Raises:
        CallerMistake: the file cannot be read, or a line of it is wrong.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerMistake(
            f"cannot read the labels {path}: {getattr(error, 'strerror', None) or error}",
            fix="name a CSV in UTF-8 with the columns hashtag,harmful",
        ) from error
    rows = csv.DictReader(io.StringIO(text))
    if not {"hashtag", "harmful"} <= set(rows.fieldnames or ()):
        raise CallerMistake(
            f"{path}: the first line must name hashtag and harmful", fix="begin it with hashtag,harmful"
        )
    labels: dict[str, dict[str, bool]] = {}
    for row in rows:
        label = (row["harmful"] or "").strip().casefold()
        if label not in _YES | _NO:
            raise CallerMistake(f"{path}:{rows.line_num}: harmful is {label[:40]!r}", fix="write yes or no")
        of_category = labels.setdefault((row.get("category") or "").strip(), {})
        try:
            hashtag = tag_of((row["hashtag"] or "").strip()).hashtag
        except CallerMistake as error:
            raise CallerMistake(f"{path}:{rows.line_num}: {error}", fix=error.fix) from None
        if of_category.setdefault(hashtag, label in _YES) != (label in _YES):
            raise CallerMistake(f"{path}:{rows.line_num}: #{hashtag} has two labels", fix="keep one of them")
    return labels


def _check_categories(path: Path, labels: Mapping[str, object], categories: Sequence[str]) -> None:
    try:
        for category in filter(None, labels):
            check_name("category", category, categories)
    except CallerMistake as error:
        raise CallerMistake(f"{path}: {error}", fix=error.fix) from None


def _show(answer: Suggestion, min_precision: float, console: Console) -> None:
    many = "" if answer.labelled == 1 else "s"
    counts = f"{answer.labelled} labelled hashtag{many} in the evidence, {answer.harmful} of them harmful"
    console.print(f"{answer.category}: {counts}", style="bold")
    if answer.protected:
        console.print(f"  not counted: {answer.protected} that never_suppress protects")
    if answer.chosen is not None:
        console.print(f"  suppress_at: {answer.chosen.suppress_at:g}   {_in_words(answer.chosen)}")
        if answer.chosen.up_to > answer.chosen.suppress_at:
            console.print(f"  the labels do not tell thresholds from {_range(answer.chosen)} apart")
        if answer.interval is None:
            console.print("  interval: not known; it needs two harmful and two harmless labels in the evidence")
        else:
            console.print(f"  interval: {answer.interval[0]:g} to {answer.interval[1]:g}, {answer.method}")
        if answer.clear_at is not None:
            console.print(f"  clear_at: {answer.clear_at:g}   the policy's clear_at is not below this suppress_at")
        if answer.chosen.precision_low < min_precision:
            console.print(f"  few labels: the precision may be as low as {answer.chosen.precision_low:.2f}")
    elif answer.best is not None:
        console.print(f"  no threshold does: best is {answer.best.suppress_at:g}, {_in_words(answer.best)}")
    else:
        console.print("  no threshold does: no harmful labelled hashtag would be hidden at any")
    if answer.not_found:
        console.print(f"  not found in the evidence: {_hashtags(answer.not_found)}")
    if answer.never_hit:
        lacks = "labelled harmful, but never over the floors with corroboration"
        console.print(f"  {lacks}: {_hashtags(answer.never_hit)}")
    if answer.curve:
        step = -(-len(answer.curve) // SHOWN)
        rows = [
            (
                _range(point),
                str(point.hit),
                f"{point.precision:.2f} ({point.precision_low:.2f} to {point.precision_high:.2f})",
                f"{point.recall:.2f} ({point.recall_low:.2f} to {point.recall_high:.2f})",
            )
            for point in answer.curve[::step]
        ]
        print_list(("suppress_at", "hit", "precision", "recall"), rows, console=console)


def _range(point: ThresholdPoint) -> str:
    """Return the thresholds of a point in words."""
    return f"{point.suppress_at:g}" + (f" to {point.up_to:g}" if point.up_to > point.suppress_at else "")


def _hashtags(tags: Sequence[str]) -> str:
    return ", ".join(f"#{tag}" for tag in tags)


def _in_words(point: ThresholdPoint) -> str:
    return (
        f"precision {point.precision:.2f} ({point.precision_low:.2f} to {point.precision_high:.2f}), "
        f"recall {point.recall:.2f} ({point.recall_low:.2f} to {point.recall_high:.2f})"
    )
