"""The card's table of ten tenths, and the sentences that read it."""

from __future__ import annotations

from collections.abc import Iterator

from models.evaluation.tenths import AHEAD, AUC, LESS, LESS_WIDER, PAIRS, SCORERS, TEXTS
from models.evaluation.told import NAMES, Figures, between, in_words, shown, side


def table(of: Figures) -> Iterator[str]:
    """A row a language; beside each difference the wider interval and the tenths in which it is above 0."""
    heads = [f"AUC, {scorer}" for scorer in SCORERS]
    heads += [head for pair in PAIRS for head in (" less ".join(pair), "[trainings too]", "tenths above 0")]
    yield f"| language | texts | {' | '.join(heads)} |"
    yield "|---" * (2 + len(heads)) + "|"
    for language in NAMES:
        areas = [of.get(AUC, TEXTS, scorer, language) for scorer in SCORERS]
        if areas[0] is None:
            continue
        cells = [shown(area) for area in areas]
        for pair in PAIRS:
            less, wide, ahead = (of.get(m, TEXTS, " less ".join(pair), language) for m in (LESS, LESS_WIDER, AHEAD))
            cells += [shown(less), "" if wide is None else between(wide), "" if ahead is None else f"{ahead.value:.0f}"]
        yield f"| {NAMES[language]} | {areas[0].n_texts} | {' | '.join(cells)} |"


def read(of: Figures) -> str:
    """Of each pair where it is better beyond noise, and whether that is every language and both ways of pooling."""
    told = []
    for one, other in PAIRS:
        found = {language: of.get(LESS, TEXTS, f"{one} less {other}", language) for language in NAMES}
        missing = [NAMES[language] for language, f in found.items() if f is None or side(f) != 1]
        verdict = f"not shown in {', '.join(missing)}" if missing else "so in every language and pooled"
        told.append(f"{one} beside {other}: {in_words(found)} ({verdict})")
    return f"AUC, mean of ten tenths, {'. '.join(told)}."
