"""A module is found by its name in a package, and no route of the API hides another."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import moderation.http
from streams.discovery import discover


def test_modules_with_the_name_are_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "found_rooms"
    package.mkdir()
    for name, text in (("__init__", ""), ("b", "PART = 2"), ("a", "PART = 1"), ("other", "")):
        (package / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert discover(import_module("found_rooms"), "PART") == [1, 2]


def test_no_route_of_the_api_hides_a_later_one() -> None:
    routes = [route for router in discover(moderation.http, "router") for route in router.routes]
    hidden = [
        (first.path, later.path)
        for place, first in enumerate(routes)
        for later in routes[place + 1 :]
        if first.methods & later.methods and first.path_regex.match(later.path.replace("{", "").replace("}", ""))
    ]
    assert len(routes) > 80
    assert hidden == []
