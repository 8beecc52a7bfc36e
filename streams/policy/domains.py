"""Curated link domains, found again when somebody dresses them up.

A host is one of a domain if it is the domain or lies below it, in whatever spelling: case, punycode, full-width letters
and the dot at the end make no difference (UTS 46, by the `idna` package). `lookalike` also finds what the eye takes for
it: label by label equal skeletons (see `streams.policy.terms`), rn for m and vv for w. The last label is never a
look-alike: nobody can register a top-level domain that is none.
"""

from __future__ import annotations

from collections.abc import Iterable

import idna

from streams.policy.terms import skeleton

_KNOWN_MAX = 50_000


def ascii_of(host: str) -> str:
    """The one spelling of a host, in ASCII; what no registry would take is only put in lower case.

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
    """The domain that somebody meant who wrote a link, an address or a pattern.

    >>> host_in("https://Example.org/path"), host_in("*.example.org"), host_in("a@example.org")
    ('example.org', 'example.org', 'example.org')
    """
    return text.lower().partition("://")[2 if "://" in text else 0].partition("/")[0].rpartition("@")[2].strip("*.")


def is_domain(text: str) -> bool:
    """Whether a text is a domain name of two labels or more."""
    try:
        return "." in idna.encode(text.strip("."), uts46=True).decode("ascii").strip(".")
    except idna.IDNAError:
        return False


def _shown(label: str) -> str:
    """A label as a browser shows it."""
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


def _look(labels: list[str]) -> tuple[str, ...]:
    """What the eye is left with."""
    letters = (_shown(label).replace("rn", "m").replace("vv", "w") for label in labels[:-1])
    return (*map(skeleton, letters), labels[-1])


class DomainMatcher:
    """Curated domains, ready to be asked.

    Args:
        domains: (domain, "exact" or "lookalike") each.
    """

    def __init__(self, domains: Iterable[tuple[str, str]]) -> None:
        self._exact: set[str] = set()
        self._looks: set[tuple[str, ...]] = set()
        self._known: dict[str, bool] = {}
        for domain, match in domains:
            plain = ascii_of(domain)
            self._exact.add(plain)
            if match == "lookalike":
                self._looks.add(_look(plain.split(".")))
        self._ends = {domain.rpartition(".")[2] for domain in self._exact}

    def __bool__(self) -> bool:
        return bool(self._exact)

    def matches(self, host: str) -> bool:
        """Whether a host is one of a domain, or looks like one that is matched by its looks."""
        found = self._known.get(host)
        if found is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            found = self._known[host] = self._matches(ascii_of(host).split("."))
        return found

    def _matches(self, labels: list[str]) -> bool:
        if labels[-1] not in self._ends:
            return False
        if any(".".join(labels[at:]) in self._exact for at in range(len(labels))):
            return True
        look = _look(labels) if self._looks else ()
        return any(look[at:] in self._looks for at in range(len(look)))
