"""Redis' rights of a role: as values, as an ACL SETUSER line, and set on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hushtag_client import keys

from streams.access.roles import Role
from streams.errors import CallerMistake

KEY_PATTERN = keys.PREFIX + "*"
_CONNECTING = ("ping", "select", "cluster|slots", "command", "asking")
"""Commands with which redis-py connects, to one server or to a cluster."""
READ_COMMANDS = ("get", "hgetall", "hmget", "hscan", "hvals", "xread", "xrevrange", "multi", "exec", *_CONNECTING)
"""Commands of readers: the client's replica, and lookups of single hashtags."""
WRITE_COMMANDS = (
    "evalsha", "eval", "get", "set", "del", "incr", "type", "hget", "hset", "hdel", "hkeys", "hscan", "xadd", "info",
    *_CONNECTING,
)  # fmt: skip
"""Commands of the publish stage, those of its scripts included; without SCRIPT FLUSH and the other scripting ones."""


@dataclass(frozen=True, slots=True)
class RedisRights:
    """Commands that a user may run, all on the keys of the contract."""

    commands: tuple[str, ...]
    writes: bool

    @property
    def keys(self) -> str:
        """The key pattern, as a rule of ACL SETUSER."""
        return f"~{KEY_PATTERN}" if self.writes else f"%R~{KEY_PATTERN}"

    def rules(self) -> list[str]:
        """Return the rules of ACL SETUSER, without the login."""
        return ["resetkeys", self.keys, "resetchannels", "-@all", *(f"+{command}" for command in self.commands)]

    def as_command(self, user: str) -> str:
        """Return the ACL SETUSER line for a user, with a placeholder for the password."""
        return " ".join(["ACL SETUSER", user, "on", ">CHANGE-ME", *self.rules()])

    def as_json(self, user: str) -> dict[str, str | list[str]]:
        """Return the rights of a user as a JSON object."""
        return {"user": user, "keys": self.keys, "commands": list(self.commands)}


def redis_rights(roles: Sequence[Role]) -> RedisRights | None:
    """Return the rights of a user with some roles; None if they do not use Redis."""
    access = {role.redis for role in roles}
    if access <= {""}:
        return None
    commands = (WRITE_COMMANDS if "write" in access else ()) + (READ_COMMANDS if "read" in access else ())
    return RedisRights(tuple(dict.fromkeys(commands)), "write" in access)


def apply_redis_rights(redis_url: str, rights: RedisRights, user: str, *, password: str = "") -> str:
    """Set the rights of a user and drop all others that it had. Blocks.

    Args:
        redis_url: the server, with the login of a user who may run ACL SETUSER.
        rights: rights to set.
        user: name of the user, created if needed.
        password: password to log in with from now on; "": keep the present ones.

    Returns:
        A note if the server forgets the user at its next start; "" if it was saved.

    Raises:
        FlagStoreUnavailable: the server is away; FlagStoreRefuses: it refuses the login or the command.
        CallerMistake: the URL cannot be used.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import NoPermissionError, RedisError, ResponseError
    from redis.retry import Retry

    from streams.flags.refusals import store_error

    login = ["resetpass", f">{password}", "on"] if password else []
    try:
        client: Any = redis.Redis.from_url(redis_url, protocol=2, retry=Retry(NoBackoff(), 0), driver_info=None)
    except ValueError as error:
        raise CallerMistake(
            f"HUSHTAG_REDIS_URL: {error}", fix="use redis://host:port/0, rediss:// or unix://"
        ) from None
    with client:
        try:
            client.execute_command("ACL SETUSER", user, *login, *rights.rules())
            try:
                client.execute_command("ACL SAVE")
            except NoPermissionError:
                raise
            except ResponseError:
                return "the server has no aclfile: add the line to its configuration, or it forgets the user"
        except (RedisError, OSError) as error:
            raise store_error(error, "Redis") from error
    return ""
