"""Help texts of the command: commands grouped by task, paragraphs that fill the terminal, no types of flags."""

from __future__ import annotations

import re
from typing import Any

PANELS: dict[str, tuple[str, ...]] = {
    "Look at hashtags": ("explain", "flags", "panes", "score", "hashtags", "inspect"),
    "Moderate": ("block", "allow", "hold", "undo", "pause", "resume", "moderation", "cases", "appeal", "statement"),
    "Legal orders and reports": ("orders", "speakers", "notice", "report", "audit", "proof", "witness", "notify"),
    "Policy and model": ("policy", "model", "calibrate", "train", "evaluate"),
    "Run": ("worker", "api", "api-key", "trends", "search", "topics", "acls", "settings", "warm-up", "schemas"),
    "Repair and keep": ("dead-letters", "skip", "dump", "replay", "backup", "restore", "reshard"),
    "Try it on this machine": ("demo", "up", "simulate", "scenario"),
}
"""Commands by task, in the order of the help; other commands come last."""


def polish_help(group: Any) -> None:
    """Improve the help of a command group and of all its commands.

    Args:
        group: typer's root group, complete.
    """
    panels = {name: panel for panel, names in PANELS.items() for name in names}
    order = list(panels)
    for name, command in group.commands.items():
        command.rich_help_panel = panels.get(name, "Other commands")
        _polish(command)
    ordered = [name for name in order if name in group.commands]
    group.commands = {name: group.commands[name] for name in [*ordered, *sorted(set(group.commands) - set(ordered))]}


def _polish(command: Any) -> None:
    command.help = fill(command.help or "")
    for parameter in command.params:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _polish(inner)


def fill(text: str) -> str:
    r"""Join the lines of each paragraph, so that a terminal of any width breaks them.

    >>> fill("one\ntwo\n\nthree\n    four")
    'one two\n\nthree four'
    """
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
