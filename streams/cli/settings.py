"""`hushtag settings`: the settings in force and their sources."""

from __future__ import annotations

from difflib import get_close_matches

import typer

from streams.cli.lists import print_list
from streams.cli.options import JsonLines
from streams.cli.output import errors, print_json
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
    """Add `settings` to the command."""
    app.command("settings")(settings)


def settings(as_json: JsonLines = False) -> None:
    """List every setting: its value, its source, its meaning and its allowed values.

    Secrets are masked. A wrong value is reported, and the command exits with 2.
    """
    loaded = load_settings()
    rows: list[tuple[str, ...]] = []
    for field, information in Settings.model_fields.items():
        value = getattr(loaded, field)
        printed = value if isinstance(value, int | float) and not is_secret(field) else shown(field, value)
        source = "environment" if is_from_environment(field) else "default"
        meaning = information.description or ""
        if as_json:
            print_json(
                {
                    "setting": variable(field),
                    "value": printed,
                    "from": source,
                    "meaning": meaning,
                    "allowed": allowed(field),
                }
            )
        else:
            rows.append((variable(field), str(printed), source, f"{meaning} ({allowed(field)})"))
    if not as_json:
        print_list(("setting", "value", "from", "meaning"), rows)
    names = [variable(field) for field in Settings.model_fields]
    for unknown in unknown_variables():
        near = get_close_matches(unknown.upper(), names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        errors.print(f"{unknown} is set but is not a setting{hint}", style="yellow")
