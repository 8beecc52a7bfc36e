"""Names of languages in English, from Unicode's CLDR, and the authors whose texts the model does not read, in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from models.languages import UNDETERMINED

OTHER = "other"
"""Group of all languages without a group of their own."""
NO_WORDS = "zxx"
"""Tag of BCP 47 for a text without words, such as a link or emoji alone."""
UNNAMED = frozenset({OTHER, UNDETERMINED, NO_WORDS})
"""Groups that name no language."""
_OWN_NAMES = {
    "bn": "Bengali",
    "hi-Latn": "Hindi in Latin letters",
    OTHER: "other",
    UNDETERMINED: "unknown language",
    NO_WORDS: "no words",
}
"""Names that are plainer here than CLDR's."""


def language_name(tag: str) -> str:
    """Return a language's name by its BCP 47 tag; an unknown tag itself.

    >>> language_name("ta"), language_name("hi-Latn"), language_name("other"), language_name("xx")
    ('Tamil', 'Hindi in Latin letters', 'other', 'xx')
    """
    return _OWN_NAMES.get(tag) or _names().get(tag, tag)


def in_order(authors: Mapping[str, int]) -> dict[str, int]:
    """Sort counts by language, the largest first; those without a name come last.

    >>> in_order({"other": 9, "bn": 2, "ta": 3})
    {'ta': 3, 'bn': 2, 'other': 9}
    """
    return dict(sorted(authors.items(), key=lambda pair: (pair[0] in UNNAMED, -pair[1], pair[0])))


def authors_words(authors: Mapping[str, int]) -> str:
    """List numbers of authors by language.

    >>> authors_words({"other": 2, "bn": 9, "ta": 41})
    'Tamil 41, Bengali 9, other 2'
    """
    return ", ".join(f"{language_name(tag)} {count:,}" for tag, count in in_order(authors).items())


def read_words(scored: int, unread: Mapping[str, int]) -> str:
    """Say which part of the sampled authors' texts the model has read; "" where it has read all of them.

    >>> read_words(12, {"ta": 41, "bn": 9, "other": 2})
    '19% of 64 sampled authors (Tamil 41, Bengali 9, other 2 not read)'
    >>> read_words(12, {})
    ''
    """
    sampled = scored + sum(unread.values())
    if sampled == scored:
        return ""
    return f"{_percent(scored / sampled)} of {sampled:,} sampled authors ({authors_words(unread)} not read)"


def shares_words(unread: Mapping[str, int], sampled: int) -> str:
    """List the languages that the model does not read, with their shares of the sampled authors.

    >>> shares_words({"ta": 41, "bn": 9, "other": 2}, 64)
    'Tamil 64%, Bengali 14%, other 3%'
    """
    return ", ".join(f"{language_name(tag)} {count / sampled:.0%}" for tag, count in in_order(unread).items())


def _percent(share: float) -> str:
    """Format a share below 1 as a percentage that is never 100%."""
    return f"{min(round(100 * share), 99)}%"


@cache
def _names() -> dict[str, str]:
    from babel import Locale  # imported on use: other commands start faster without it

    return {str(tag): str(name) for tag, name in Locale("en").languages.items()}
