"""Blinding of reviewers: while a person holds a second look, no call shows them numbers of its hashtag. Pure."""

from __future__ import annotations

from moderation.domain.cases.fold import BLIND_MS, CaseFold, CaseProgress
from streams.policy.look_alikes import visual_form


def hidden_hashtags(fold: CaseFold, actor: str, at_ms: int) -> frozenset[str]:
    """Return the hashtags (normalised) about which an actor may see no numbers, states or verdicts of others.

    Blindness begins with the claim of a second look. It ends with the verdict, a skip, the last verdict by others, or
    after `BLIND_MS`, when the person can no longer take part. The end of the claim does not end it: else a reviewer
    could wait a minute, read the numbers, and then judge.
    """
    person = visual_form(actor)
    cases = map(fold.cases.__getitem__, fold.blind)
    return frozenset(case.hashtag for case in cases if _is_blind(case, person, at_ms))


def is_hidden(fold: CaseFold, hashtag: str, actor: str, at_ms: int) -> bool:
    """Return whether a hashtag is among the `blinded_hashtags` of an actor."""
    person = visual_form(actor)
    return any(_is_blind(fold.cases[case], person, at_ms) for case in fold.cases_of_tag.get(hashtag, ()))


def _is_blind(case: CaseProgress, person: str, at_ms: int) -> bool:
    began_ms = case.blind.get(person)
    return began_ms is not None and at_ms < began_ms + BLIND_MS
