"""Texts of the crowds, read once. `harmful.yaml` contains abuse of invented peoples: read its warning first."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec
from ruamel.yaml import YAML

from devkit.crowds.texts import CrowdTexts, TextBlock


def _read(name: str) -> dict[str, list[TextBlock]]:
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return msgspec.convert(YAML(typ="safe").load(file), dict[str, list[TextBlock]])


@lru_cache(maxsize=1)
def crowd_texts() -> CrowdTexts:
    """Read the texts of all kinds."""
    return CrowdTexts({**_read("texts.yaml"), **_read("harmful.yaml")})
