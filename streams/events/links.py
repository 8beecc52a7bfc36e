"""Hosts of a tweet's links, parsed as a browser would parse them.

Twitter shortens every link to t.co and gives its target in a separate field. The pipeline keeps only the target's host,
appended to the text after a separator, so that no score depends on a link. Links spelled out in the text are found by
the same parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import unquote

APART = "\x1f"
"""Separator between a text and each appended host; texts never contain it."""

HOSTS_MAX = 4
"""Maximum number of hosts of one tweet. Twitter counts 23 characters a link, so more are rare."""
HOST_MAX = 253
"""Maximum length of a host name in characters (RFC 1035, section 2.3.4)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[/\\]*|[/\\]{2,}")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_DOTS = str.maketrans(dict.fromkeys("。．｡", "."))
_HOST = re.compile(r"[\w.\-\u200c\u200d]*")
_LINK = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?[/\\]{2,}([^\s/\\?#<>\"]+)\S*"  # with a scheme, or slashes in its place
    r"|([\w\-]+(?:[.。．｡][\w\-]+)+)(?:[/\\?#:]\S*)?"  # a bare name, which Twitter makes a link of
)
_PLAIN = re.compile(r"https?://([a-z0-9\-]+(?:\.[a-z0-9\-]+)+)(?=[/?#]|$)")
"""Plain link, the common case, whose host needs no decoding."""
_ASCII_TAIL = re.compile(r"[A-Za-z0-9\-.]+$")


def host_of(url: str) -> str:
    r"""Return the host that a browser would connect to, in lower case; "" without one.

    Follows the host parsing of the WHATWG URL Standard: a user name ends at the @, a backslash is a slash, full-width
    dots are dots, %65 is e.

    >>> host_of("https://good.example@Evil.example:8080/path"), host_of("http:\\\\evil.example\\@good.example")
    ('evil.example', 'evil.example')
    """
    host_match = _PLAIN.match(url)
    if host_match is not None and len(host_match[1]) <= HOST_MAX:
        return host_match[1]
    url = "".join(url.split())
    scheme = _SCHEME.match(url)
    return _host(_AUTHORITY_END.split(url[scheme.end() :] if scheme else url, maxsplit=1)[0])


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if "%" in host:
        host = unquote(host)
    host_match = _HOST.match(host.translate(_DOTS))
    assert host_match is not None, "the pattern matches the empty string"
    host = host_match[0].strip(".").lower()
    return host if len(host) <= HOST_MAX else ""


def with_hosts(text: str, urls: Sequence[str]) -> str:
    """Append the hosts of links to a text, each once, at most `HOSTS_MAX`."""
    hosts = dict.fromkeys(filter(None, map(host_of, urls)))
    return APART.join((text, *islice(hosts, HOSTS_MAX)))


def hosts_in(line: str) -> Iterator[str]:
    """Iterate over the hosts appended to a text and the hosts of links in the text itself."""
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
            yield tail[0]  # in scripts without spaces the link begins with its first Latin letter
