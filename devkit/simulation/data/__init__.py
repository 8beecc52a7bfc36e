"""Texts and hashtag names of the simulator, read once. No other module of the simulation opens a file.

`texts_harmful.yaml` and `texts_mockery.yaml` contain abuse of invented peoples: read their warnings first.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec
from ruamel.yaml import YAML

from devkit.simulation.texts import HARD_KINDS, KINDS, OwnTexts, TagNames, TextTemplates


def _read(name: str) -> object:
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return YAML(typ="safe").load(file)


@lru_cache(maxsize=1)
def own_texts() -> OwnTexts:
    """Read all kinds of text in all languages of the files."""
    kinds = (*KINDS, *HARD_KINDS)
    return OwnTexts({kind: msgspec.convert(_read(f"texts_{kind}.yaml"), list[TextTemplates]) for kind in kinds})


@lru_cache(maxsize=1)
def tag_names() -> TagNames:
    """Read the names of hashtags."""
    return msgspec.convert(_read("tags.yaml"), TagNames)
