"""Making of API keys, for the command and for the API. Nothing is stored: the key file is the operator's."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from moderation.access.keys import ApiKey, Rights, Role, new_key, parse_keys
from streams.errors import CallerMistake
from streams.policy.look_alikes import visual_form

_UNLIMITED = Rights()


def make_key(
    name: str,
    role: Role,
    *,
    acts_for_others: bool = False,
    person: str = "",
    rights: Rights = _UNLIMITED,
    beside: Sequence[ApiKey] = (),
) -> tuple[str, str]:
    """Make a key.

    Args:
        name: person or service that gets the key.
        role: role of the key.
        acts_for_others: whether it may name other people as actors.
        person: owner of the key; "": its name.
        rights: limits of what the key may write.
        beside: keys of the file that it will join.

    Returns:
        The key, and its line for the key file, which holds only a hash.

    Raises:
        CallerMistake: a value cannot be used, or the key would not fit the others.
    """
    key, digest = new_key()
    entry = ApiKey(name=name, role=role, sha256=digest, acts_for_others=acts_for_others, person=person, rights=rights)
    line = msgspec.json.encode(entry)
    parse_keys(b'{"keys": [' + line + b"]}", "NAME")
    for other in beside:
        if other.name == name:
            raise CallerMistake(f"there is a key with the name {name}", fix="one name for each key")
        if other.writes_as != entry.writes_as and visual_form(other.writes_as) == visual_form(entry.writes_as):
            raise CallerMistake(
                f"{entry.writes_as!r} looks like {other.writes_as!r}, which has a key",
                fix="another name; or, if they are one person, give that person as the owner",
            )
    return key, line.decode()
