"""Words of the case page: rules, grounds, durations, markings and skips. Pure.

Grounds are templates: one fills the reason, which stays editable. A category that this module does not know has the
common grounds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from moderation.console.words import listed, place_words, plain_words
from moderation.domain.cases.records import CaseVerdict, SkipCause
from streams.actions import FLAGGING, HIDING


class Ground(NamedTuple):
    """Template of a reason; its key works in the dialog."""

    key: str
    name: str
    reason: str


class Duration(NamedTuple):
    """Preset of a decision's life; its key works in the dialog."""

    key: str
    value: str
    words: str


class KeyedWord(NamedTuple):
    """Value of a choice with its key and words."""

    key: str
    value: str
    words: str


RULES = {
    "hateful_conduct": "Attacks on people for who they are: religion, caste, ethnicity, origin, orientation or another "
    "protected trait.",
    "abuse": "Insults and threats aimed at a person or a group.",
    "gendered_abuse": "Abuse of women, or of any person for their gender.",
}
"""Meaning of a category, without numbers."""
_HIDE = {
    "hateful_conduct": ("Attacks on people for who they are", "Most sampled tweets attack people for who they are."),
    "abuse": ("Insults or threats", "Most sampled tweets insult or threaten a person or a group."),
    "gendered_abuse": ("Abuse for a person's gender", "Most sampled tweets abuse people for their gender."),
}
_HIDE_ANY = ("Attack on people", "Most sampled tweets attack people.")
"""Ground without a category, as in a blind second look."""
_HIDE_COMMON = (
    ("Call to harm", "Sampled tweets call for harm to people."),
    ("Coordinated attack", "Sampled tweets repeat one attack in concert."),
    ("The hashtag itself attacks", "The words of the hashtag attack people."),
)
_SHOW_COMMON = (
    ("Counter-speech", "Most sampled tweets answer the attack; they do not carry it on."),
    ("News or debate", "Most sampled tweets report or discuss."),
    ("Reclaimed words", "The group that the words name uses them of itself."),
    ("No harm under the rule", "The sampled tweets do not fall under the rule."),
)
_LEAVE_COMMON = (
    ("Too early to say", "The sample is too small for a decision either way."),
    ("The present state fits", "What is shown now fits what the sampled tweets say."),
)
DURATIONS = (
    Duration("h", "6h", "6 hours"),
    Duration("d", "1d", "1 day"),
    Duration("w", "7d", "7 days"),
    Duration("t", "30d", "30 days"),
)
MARKS = (
    KeyedWord("q", "attack", "Attack"),
    KeyedWord("w", "counter_speech", "Counter-speech"),
    KeyedWord("r", "news", "News"),
    KeyedWord("t", "reclaimed", "Reclaimed"),
    KeyedWord("y", "unrelated", "Unrelated"),
)
"""Markings of a tweet; a key works on the tweet that has the focus."""
FIRST_ANSWERS = (
    KeyedWord("1", "hide", "Hide"),
    KeyedWord("2", "show", "Show"),
    KeyedWord("3", "unsure", "Unsure"),
)
UNDO_GROUNDS = (
    Ground("1", "Decided by mistake", "Decided by mistake."),
    Ground("2", "New facts", "New facts change the decision."),
)
SKIPS: tuple[tuple[str, SkipCause, str], ...] = (
    ("l", "language", "I do not read the language"),
    ("c", "context", "I lack the context"),
    ("d", "distress", "It distresses me"),
    ("o", "other", "Another reason"),
)


def rule_words(category: str) -> str:
    """Say what a category of the policy means."""
    return RULES.get(category, f"The policy's category “{plain_words(category)}”.")


def grounds_of(verdict: CaseVerdict, categories: Sequence[str]) -> list[Ground]:
    """List the grounds for a verdict on some categories, the categories' own first.

    >>> [ground.key for ground in grounds_of("hide", ["abuse"])], grounds_of("show", [])[0].name
    (['1', '2', '3', '4'], 'Counter-speech')
    """
    own = [_HIDE[category] for category in categories if category in _HIDE] or [_HIDE_ANY]
    grounds = own if verdict == "hide" else []
    grounds += {"hide": _HIDE_COMMON, "show": _SHOW_COMMON, "leave": _LEAVE_COMMON}[verdict]
    return [Ground(str(number), name, f"{name}. {reason}") for number, (name, reason) in enumerate(grounds, 1)][:9]


def in_places(countries: Sequence[str]) -> str:
    """Name countries as the place of an action; more than three are counted.

    >>> in_places(["IN"]), in_places(["*"]), in_places(["*", "IN"]), in_places(["IN", "FR", "DE", "US"])
    ('in India', 'everywhere', 'everywhere and in India', 'in 4 countries')
    """
    named = [country for country in countries if country != "*"]
    where = f"in {listed([*map(place_words, named)])}" if len(named) < 4 else f"in {len(named)} countries"
    return " and ".join((["everywhere"] if "*" in countries else []) + ([where] if named else []))


def action_words(verdict: CaseVerdict, actions: Collection[str]) -> str:
    """Say what a verdict does to a hashtag by the present actions in the places; "" for none.

    >>> action_words("hide", {"hold"}), action_words("hide", {"hold", "discount"}), action_words("hide", {""})
    ('Keep hidden', 'Hide', 'Hide')
    >>> action_words("show", {"hold", "discount"}), action_words("show", {"discount"}), action_words("show", {""})
    ('Show again', 'Show in full', 'Keep showing')
    """
    if verdict == "leave":
        return "Leave as it is"
    if verdict == "hide":
        return "Keep hidden" if HIDING.issuperset(actions) else "Hide"
    return "Show again" if HIDING & {*actions} else "Show in full" if FLAGGING & {*actions} else "Keep showing"
