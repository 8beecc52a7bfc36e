"""A local replica of hushtag's flags: it answers from memory whether a surface may show a hashtag.

    from hushtag_client import FlagsClient

    client = FlagsClient("redis://127.0.0.1:6379/0").start()
    client.check("#SomeTag", "trends", "IN").shown

The names below load their modules on first use, so that code that only normalises hashtags does not import redis-py.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hushtag_client.aio import AsyncFlagsClient
    from hushtag_client.answer import Answer
    from hushtag_client.answers import Answers, Status
    from hushtag_client.memory import MemoryFlagsClient, MemoryServer
    from hushtag_client.registers import Reason, Register, RegisterError
    from hushtag_client.threaded import FlagsClient

__all__ = [
    "Answer",
    "Answers",
    "AsyncFlagsClient",
    "FlagsClient",
    "MemoryFlagsClient",
    "MemoryServer",
    "Reason",
    "Register",
    "RegisterError",
    "Status",
]

_HOMES = {
    "Answer": "answer",
    "Answers": "answers",
    "AsyncFlagsClient": "aio",
    "FlagsClient": "threaded",
    "MemoryFlagsClient": "memory",
    "MemoryServer": "memory",
    "Reason": "registers",
    "Register": "registers",
    "RegisterError": "registers",
    "Status": "answers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
