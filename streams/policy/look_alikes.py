"""Look-alike spellings of curated terms and link domains.

Two hashtags look alike when their skeletons are equal. A skeleton maps look-alike letters of Cyrillic and Greek to
Latin, digits and signs to the letters that they imitate, and drops accents of Latin letters, underscores and
repetitions. The idea is that of Unicode's UTS 39 (section 4); the table also covers leetspeak. Scripts that no Latin
letter imitates (Devanagari, Bengali, Arabic, ...) keep their letters and their marks, which carry meaning.

A host belongs to a domain if it is the domain or a subdomain of it. Case, punycode, full-width letters and a final dot
make no difference (UTS 46, by the `idna` package). A look-alike of a domain has equal skeletons label by
label; rn counts as m and vv as w. The last label must be equal, since only existing top-level domains can be used.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import groupby

import idna
from hushtag_client.normalise import normalise

_CYRILLIC = dict(zip("авекмнорстухѕіјԁԛԝһӏԍзбг", "abekmhopctyxsijdqwhlg36r", strict=True))
_GREEK = dict(zip("αβγεζηικμνορτυχωϲ", "abyezniku" + "vopt" + "uxwc", strict=True))
_LATIN = dict(zip("ıłøđħŧæßɑɡʀ", "ilodht" + "a" + "b" + "agr", strict=True))
_LEET = dict(zip("0134578@$!|", "oieastb" + "asii", strict=True))
_STROKES = {"l": "i"}
"""Upper-case i, lower-case L and 1 are one stroke: one class for the three."""
_LETTERS = {**_CYRILLIC, **_GREEK, **_LATIN}
_VERDICTS_MAX = 50_000


def skeleton(hashtag: str) -> str:
    """Return the skeleton of a hashtag, equal for look-alikes. Idempotent.

    >>> skeleton("H@te_Tag") == skeleton("hаtеtаg") == skeleton("HHHaaate7ag") == skeleton("hátètâg")
    True
    """
    while (simpler := "".join(letter for letter, _ in groupby(visual_form(hashtag)))) != hashtag:
        hashtag = simpler
    return hashtag


def visual_form(name: str) -> str:
    """Return the skeleton of a name with its repetitions kept. Equal for names that can be mistaken for each other.

    >>> visual_form("Аnn") == visual_form("ａｎｎ") == visual_form("an\u200bn") != visual_form("an")
    True
    """
    letters = [_LETTERS.get(char, char) for char in _without_accents(normalise(name)) if _is_visible(char)]
    has_letters = any(letter.isalpha() for letter in letters)
    without_leet = (_LEET.get(letter, letter) if has_letters else letter for letter in letters)
    return "".join(_STROKES.get(letter, letter) for letter in without_leet)


def _without_accents(text: str) -> str:
    """Drop the marks U+0300 to U+036F, which combine with Latin, Greek and Cyrillic letters."""
    kept = (char for char in unicodedata.normalize("NFD", text) if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", "".join(kept))


def _is_visible(char: str) -> bool:
    """Tell whether a character is a letter, a mark, a digit, or a sign that imitates a letter."""
    return char.isalnum() or char in _LEET or unicodedata.category(char).startswith("M")


class TermMatcher:
    """Matcher of hashtags against curated terms.

    Args:
        terms: pairs of a term and "exact" or "lookalike".
    """

    def __init__(self, terms: Iterable[tuple[str, str]]) -> None:
        listed = list(terms)
        self._exact = frozenset(normalise(term) for term, _ in listed)
        self._skeletons = frozenset(skeleton(term) for term, match in listed if match == "lookalike") - {""}

    def matches(self, hashtag: str) -> bool:
        """Tell whether a hashtag is a term, or a look-alike of a term that asks for look-alikes."""
        if not self._exact:
            return False
        return normalise(hashtag) in self._exact or (bool(self._skeletons) and skeleton(hashtag) in self._skeletons)


def ascii_of(host: str) -> str:
    """Return the one ASCII spelling of a host; a host that is not valid is only lower-cased.

    >>> ascii_of("BÜCHER.example."), ascii_of("xn--bcher-kva.example"), ascii_of("a_b.example")
    ('xn--bcher-kva.example', 'xn--bcher-kva.example', 'a_b.example')
    """
    host = host.strip(".").lower()
    if host.isascii() and "xn--" not in host:
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host


def host_in(text: str) -> str:
    """Return the host in a link, an email address or a pattern.

    >>> host_in("https://Example.org/path"), host_in("*.example.org"), host_in("a@example.org")
    ('example.org', 'example.org', 'example.org')
    """
    return text.lower().partition("://")[2 if "://" in text else 0].partition("/")[0].rpartition("@")[2].strip("*.")


def is_domain(text: str) -> bool:
    """Tell whether a text is a domain name of two labels or more."""
    try:
        return "." in idna.encode(text.strip("."), uts46=True).decode("ascii").strip(".")
    except idna.IDNAError:
        return False


def _domain_skeleton(labels: list[str]) -> tuple[str, ...]:
    letters = (_displayed(label).replace("rn", "m").replace("vv", "w") for label in labels[:-1])
    return (*map(skeleton, letters), labels[-1])


def _displayed(label: str) -> str:
    """Return a label as a browser displays it."""
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


class DomainMatcher:
    """Matcher of hosts against curated domains.

    Args:
        domains: pairs of a domain and "exact" or "lookalike".
    """

    def __init__(self, domains: Iterable[tuple[str, str]]) -> None:
        listed = [(ascii_of(domain), match) for domain, match in domains]
        self._exact = {domain for domain, _ in listed}
        self._skeletons = {_domain_skeleton(domain.split(".")) for domain, match in listed if match == "lookalike"}
        self._ends = {domain.rpartition(".")[2] for domain in self._exact}
        self._verdicts: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._exact)

    def matches(self, host: str) -> bool:
        """Tell whether a host belongs to a domain, or to a look-alike of a domain that asks for look-alikes."""
        is_match = self._verdicts.get(host)
        if is_match is None:
            if len(self._verdicts) >= _VERDICTS_MAX:
                self._verdicts.clear()
            is_match = self._verdicts[host] = self._matches(ascii_of(host).split("."))
        return is_match

    def _matches(self, labels: list[str]) -> bool:
        if labels[-1] not in self._ends:
            return False
        if any(".".join(labels[at:]) in self._exact for at in range(len(labels))):
            return True
        look = _domain_skeleton(labels) if self._skeletons else ()
        return any(look[at:] in self._skeletons for at in range(len(look)))
