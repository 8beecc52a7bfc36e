"""The light scenarios: what is suppressed, when, and how the curves are drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from benchmarks import prevalence
from benchmarks.prevalence import LANGUAGES, PANES, SHARES, Tag, judged, scenario, sensitivity
from benchmarks.prevalence_picture import picture
from streams.policy import parse_policy

POLICY = parse_policy((prevalence.ROOT / "config" / "policy.yaml").read_bytes(), "policy.yaml")
RULE = POLICY.rule("hateful_conduct", POLICY.surfaces[0], "*")


def scored(scores: np.ndarray) -> np.ndarray:
    """All columns alike, all texts in the one group of a scorer that knows no languages."""
    return np.column_stack([scores] * 4 + [np.zeros(len(scores))])


def tag(kind: str, score: float, n: int = 200, panes: int = 1) -> Tag:
    return Tag(kind, "en", np.arange(n) % panes, scored(np.full(n, score)))


def test_harmful_tag_is_suppressed_and_innocent_one_never() -> None:
    harmful, innocent, small = judged(
        [tag("harmful", 0.9), tag("protest", 0.1), tag("harmful", 0.9, n=RULE.min_authors - 1)], POLICY, None
    )
    assert (harmful.seconds, innocent.seconds, small.seconds) == (10, None, None)


def test_seconds_are_counted_from_the_first_author() -> None:
    late = Tag("harmful", "en", np.repeat([5, 9], 100), scored(np.repeat([0.1, 1.0], 100)))
    alone = Tag("harmful", "en", np.full(100, 5), scored(np.ones(100)))
    assert [one.seconds for one in judged([late, alone], POLICY, None)] == [None, 10], (
        "the sample is the first by hash, here the early half"
    )


def test_seed_determines_scenario() -> None:
    of = {
        (kind, language): scored(np.full(50, 0.1 if kind != "harmful" else 0.9))
        for kind in ("harmful", "clean", *prevalence.KINDS)
        for language in LANGUAGES
    }
    one, other = list(scenario(of, 3)), list(scenario(of, 3))
    assert [t.kind for t in one] == ["harmful", "harmful", *prevalence.KINDS]
    assert all((a.scores == b.scores).all() and (a.panes == b.panes).all() for a, b in zip(one, other, strict=True))
    assert all(t.panes.max() < PANES and len(t.panes) == len(t.scores) for t in one)
    shares = [float((t.scores[:, 0] > 0.5).mean()) for t in one]
    assert min(shares[:2]) >= 0.55 and max(shares[2:]) <= 0.06
    hidden = [tag.seconds is not None for tag in judged(one, POLICY, None)]
    assert hidden == [True, True, *[False] * len(prevalence.KINDS)]


def test_sensitivity_rises_with_harmful_share(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    of = {(kind, "en"): scored(rng.beta(*shape, 500)) for kind, shape in (("harmful", (4, 2)), ("clean", (2, 4)))}
    curves = {language: sensitivity(of, POLICY, "en", None) for language in LANGUAGES}
    parts = curves["en"]["hateful_conduct"]
    assert len(parts) == len(SHARES) and parts == sorted(parts) and parts[0] == 0 < parts[-1]
    drawn = ElementTree.fromstring(picture(SHARES, curves))
    lines = [node for node in drawn.iter() if node.tag.endswith("polyline")]
    assert len(lines) == len(LANGUAGES) * len(POLICY.category_names)
