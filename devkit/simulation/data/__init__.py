"""The package's own texts and tag names, read once. The only place of the simulation that opens a file.

`texts_harmful.yaml` holds abuse of invented peoples: read its warning first.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec
from ruamel.yaml import YAML

from devkit.simulation.texts import KINDS, Block, Names, OwnTexts


def _read(name: str) -> object:
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return YAML(typ="safe").load(file)


@lru_cache(maxsize=1)
def own_texts() -> OwnTexts:
    """Every kind of text in every language that the files have."""
    return OwnTexts({kind: msgspec.convert(_read(f"texts_{kind}.yaml"), list[Block]) for kind in KINDS})


@lru_cache(maxsize=1)
def tag_names() -> Names:
    """What hashtags are called."""
    return msgspec.convert(_read("tags.yaml"), Names)
