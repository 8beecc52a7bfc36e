"""Addresses of Redis: one server, a service that Sentinels watch, or a cluster.

    redis://HOST:PORT/0, rediss://HOST:PORT/0, unix:///PATH
    redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/0
    redis+cluster://HOST:PORT,HOST:PORT

`rediss+sentinel` and `rediss+cluster` use TLS for all connections. A login (`user:password@`) and the options after `?`
are those of redis-py for the data servers. Sentinels have a login of their own: `?sentinel_username=` and
`sentinel_password=`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from redis.connection import SSLConnection, parse_url

FORMS = (
    "redis://host:6379/0, rediss:// or unix://, "
    "redis+sentinel://host:26379,host:26379/service/0, or redis+cluster://host:6379,host:6379"
)
"""Forms of a URL, for error messages."""
_LOGIN_OF_SENTINELS = ("sentinel_username", "sentinel_password")
_SEVERAL = re.compile(r"redis(s?)\+(sentinel|cluster)://(?:([^@]*)@)?([^/?@]*)([^?]*)(?:\?(.*))?", re.DOTALL)
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\],]+))(?::(\d{1,5}))?")
_PORTS = {"sentinel": 26_379, "cluster": 6_379}
Node = tuple[str, int]
Options = dict[str, Any]
"""Keyword arguments of redis-py's connections."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Parsed address, with the options of the servers and of the Sentinels."""

    kind: Literal["server", "sentinel", "cluster"]
    url: str
    nodes: tuple[Node, ...] = ()
    """Sentinels, or nodes of the cluster to ask for the others; empty for one server."""
    service: str = ""
    """Name under which the Sentinels watch the primary."""
    options: Options = field(default_factory=dict)
    sentinel_options: Options = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the hosts without logins, for messages."""
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.nodes)
        match self.kind:
            case "sentinel":
                return f"{self.service} of the Sentinels {hosts}"
            case "cluster":
                return f"the cluster {hosts}"
        if "path" in self.options:
            return str(self.options["path"])
        return f"{self.options.get('host', 'localhost')}:{self.options.get('port', 6379)}"


def parse_redis_url(url: str) -> RedisAddress:
    """Parse a URL of Redis.

    >>> address = parse_redis_url("redis+sentinel://u:p@one:26380,two/flags/0?sentinel_password=s")
    >>> str(address), address.options
    ('flags of the Sentinels one:26380,two:26379', {'username': 'u', 'password': 'p', 'db': 0})

    Raises:
        ValueError: it has none of the forms in `FORMS`, or a part of it is wrong.
    """
    match = _SEVERAL.fullmatch(url)
    if match is None:
        if url.partition("://")[0] not in ("redis", "rediss", "unix"):
            raise ValueError(f"must be {FORMS}")
        options = _parsed(url)
        _take_tls(options)
        if "path" not in options and not re.fullmatch(r"[^/?]*(/\d*)?(\?.*)?", url.partition("://")[2], re.DOTALL):
            raise ValueError(f"the path is not the number of a database; the address must be {FORMS}")
        return RedisAddress("server", url, options=options)
    secure, kind, login, hosts, path, query = (part or "" for part in match.groups())
    nodes = tuple(_node(host, _PORTS[kind]) for host in hosts.split(","))
    service, database = _service(kind, path)
    query, own = _split_query(query)
    single_url = f"redis{secure}://{login}{'@' * bool(login)}host/{database}{'?' * bool(query)}{query}"
    options = {name: value for name, value in _parsed(single_url).items() if name != "host"}
    tls = _take_tls(options)
    if kind == "cluster":
        options.pop("db", None)
        return RedisAddress("cluster", url, nodes, options=options)
    return RedisAddress("sentinel", url, nodes, service, options, own | tls)


def _parsed(url: str) -> Options:
    return dict(parse_url(url))  # type: ignore[no-untyped-call]


def _take_tls(options: Options) -> Options:
    """Replace redis-py's connection class by `ssl=True`, and return the options of TLS."""
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    return {name: value for name, value in options.items() if name.startswith("ssl")}


def _node(text: str, port: int) -> Node:
    match = _HOST.fullmatch(text.strip())
    if match is None or not 0 < int(match[3] or port) < 65_536:
        raise ValueError(f"{text.strip()!r} is not host:port; the address must be {FORMS}")
    return match[1] or match[2], int(match[3] or port)


def _service(kind: str, path: str) -> tuple[str, str]:
    """Return the service and the number of the database."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    if kind == "cluster":
        if parts not in ([], ["0"]):
            raise ValueError("a cluster has database 0 only; write redis+cluster://host:6379,host:6379")
        return "", "0"
    if not 1 <= len(parts) <= 2 or not parts[0] or not (parts[1:] or ["0"])[0].isdecimal():
        raise ValueError("the service is missing; write redis+sentinel://host:26379,host:26379/service/0")
    return unquote(parts[0]), (parts[1:] or ["0"])[0]


def _split_query(query: str) -> tuple[str, Options]:
    """Return the query without the login of the Sentinels, and that login."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    own = {name.removeprefix("sentinel_"): unquote(value) for name, _, value in pairs if name in _LOGIN_OF_SENTINELS}
    return "&".join("".join(pair) for pair in pairs if pair[0] not in _LOGIN_OF_SENTINELS), own
