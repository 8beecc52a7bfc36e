"""Lua scripts of the flag store: one atomic step each, on one server or on the owner of the slot in a cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

_LUA = Path(__file__).with_name("lua")
_READS_ONLY = "#!lua flags=no-writes\n"


class LuaScript:
    """Script that is called by its digest, and sent once to each server that does not know it.

    Args:
        client: a client of redis-py, also one of a cluster. Its keys pick the node.
        name: file in `lua/`, without its ending.
        writes: whether it may write. One that may not also runs on a replica and on a full server.
    """

    def __init__(self, client: Any, name: str, *, writes: bool = True) -> None:
        self._client = client
        text = (_LUA / "common.lua").read_text("utf-8") + (_LUA / f"{name}.lua").read_text("utf-8")
        self._text = text if writes else _READS_ONLY + text.partition("\n")[2]
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run the script. A cluster sends SCRIPT LOAD to every primary, so the text goes with EVAL, to one node."""
        rest = (len(keys), *keys, *args)
        try:
            return await self._client.execute_command("EVALSHA", self._digest, *rest)
        except NoScriptError:
            return await self._client.execute_command("EVAL", self._text, *rest)
