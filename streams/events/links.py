"""Where the links of a tweet lead: host names, as a browser would find them in what was written.

Twitter shortens every link to its own t.co and says beside the text where it leads. Of that only the host travels on,
behind the text and apart from it, so that no score can depend on a link. Whoever judges finds the links that stand in
the text itself with the same eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

APART = "\x1f"
"""Between a text and each host behind it; a text has none of its own."""

HOSTS_MAX = 4
"""Of one tweet; Twitter counts 23 characters a link, so more are rare."""
_HOST_MAX = 253
"""Characters of a host name (RFC 1035, section 2.3.4)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[/\\]*|[/\\]{2,}")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_DOTS = str.maketrans(dict.fromkeys("。．｡", "."))
_HOST = re.compile(r"[\w.\-\u200c\u200d]*")
_LINK = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?[/\\]{2,}([^\s/\\?#<>\"]+)\S*"  # with a scheme, or slashes in its place
    r"|([\w\-]+(?:[.。．｡][\w\-]+)+)(?:[/\\?#:]\S*)?"  # a bare name, which Twitter makes a link of
)
_PLAIN = re.compile(r"https?://([a-z0-9\-]+(?:\.[a-z0-9\-]+)+)(?=[/?#]|$)")
"""What nearly every link looks like: its host is what it says."""
_ASCII_TAIL = re.compile(r"[A-Za-z0-9\-.]+$")


def host_of(url: str) -> str:
    """The host that a browser would ask, in lower case; "" where there is none (WHATWG URL Standard, host parsing).

    What stands before an @ is a user name, a backslash is a slash, full-width dots are dots, %65 is e.

    >>> host_of("https://good.example@Evil.example:8080/path"), host_of("http:\\\\\\\\evil.example\\\\@good.example")
    ('evil.example', 'evil.example')
    """
    plain = _PLAIN.match(url)
    if plain is not None and len(plain[1]) <= _HOST_MAX:
        return plain[1]
    url = "".join(url.split())
    scheme = _SCHEME.match(url)
    return _host(_AUTHORITY_END.split(url[scheme.end() :] if scheme else url, maxsplit=1)[0])


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if "%" in host:
        host = unquote(host)
    found = _HOST.match(host.translate(_DOTS))
    assert found is not None, "it may match nothing"
    host = found[0].strip(".").lower()
    return host if len(host) <= _HOST_MAX else ""


def with_hosts(text: str, urls: Sequence[str]) -> str:
    """A text with the hosts of its links behind it, each once, at most `HOSTS_MAX`."""
    if len(urls) == 1:
        host = host_of(urls[0])
        return f"{text}{APART}{host}" if host else text
    hosts = dict.fromkeys(host for host in map(host_of, urls) if host)
    return APART.join((text, *list(hosts)[:HOSTS_MAX])) if hosts else text


def hosts_in(line: str) -> Iterator[str]:
    """The hosts behind a text, and what looks like a link in the text itself."""
    text, *behind = line.split(APART)
    yield from behind
    for word in text.split():
        if "." in word or not word.isascii():
            yield from _hosts_in_word(word)


def _hosts_in_word(word: str) -> Iterator[str]:
    for authority, bare in _LINK.findall(word):
        host = _host(authority or bare)
        if "." in host:
            yield host
        if bare and not host.isascii() and (tail := _ASCII_TAIL.search(host)) and "." in tail[0]:
            yield tail[0]  # scripts that write without spaces: the link begins with its first Latin letter
