"""`hushtag settings`: what is in force, and where it comes from."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from streams.settings import (
    Settings,
    allowed,
    is_from_environment,
    is_secret,
    load_settings,
    shown,
    unknown_variables,
    variable,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings")(settings)


def settings(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List every setting: its value, whether the environment sets it, what it means, what it may be.

    Secrets are masked. A wrong value is named, and the command exits with 2.
    """
    loaded = load_settings()
    table = Table("setting", "value", "from", "meaning", box=None, pad_edge=False)
    for field, information in Settings.model_fields.items():
        value = getattr(loaded, field)
        plain = value if isinstance(value, int | float) and not is_secret(field) else shown(field, value)
        source = "environment" if is_from_environment(field) else "default"
        meaning = information.description or ""
        if as_json:
            row = {
                "setting": variable(field),
                "value": plain,
                "from": source,
                "meaning": meaning,
                "allowed": allowed(field),
            }
            print(json.dumps(row))
        else:
            table.add_row(variable(field), str(plain), source, f"{meaning} ({allowed(field)})")
    if not as_json:
        Console(soft_wrap=True, highlight=False).print(table)
    names = [variable(field) for field in Settings.model_fields]
    for unknown in unknown_variables():
        near = get_close_matches(unknown.upper(), names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        Console(stderr=True, highlight=False).print(f"{unknown} is set, but it is no setting{hint}", style="yellow")
