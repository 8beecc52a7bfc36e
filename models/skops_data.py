"""Reads the data in a skops file without skops, whose import brings all of scikit-learn that such a file might hold.

A model file of ours holds dictionaries, lists, texts and arrays (`models.artefact`), a small part of what skops can
say: a tree of nodes in `schema.json`, each with its class and how it was written, and the arrays beside it as .npy.
Whatever a node says it is beside these is no data, and refused: nothing in a file can make this run anything.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

PROTOCOL = 2
"""Of skops: how the nodes are written."""


class NotDataError(ValueError):
    """Names a type that is no data."""


def loads(data: bytes) -> object:
    """What is in a skops file.

    Raises:
        NotDataError.
        Exception: whatever a damaged file makes zipfile, json and numpy raise.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        if schema["protocol"] != PROTOCOL:
            raise ValueError(f"it is written by protocol {schema['protocol']} of skops, this version reads {PROTOCOL}")
        return _value(schema, archive, set())


def _value(node: dict[str, Any], archive: zipfile.ZipFile, read: set[str]) -> object:
    """A node; `read`: the arrays that were read before, for a file may name one of them without end."""
    match node["__loader__"], node["__module__"], node["__class__"]:
        case "DictNode", "builtins", "dict":
            return {key: _value(one, archive, read) for key, one in node["content"].items()}
        case "ListNode", "builtins", "list":
            return [_value(one, archive, read) for one in node["content"]]
        case "JsonNode", "builtins", "str":
            text = json.loads(node["content"])
            if not isinstance(text, str):
                raise NotDataError(f"{type(text).__name__} as a text")
            return text
        case "NdArrayNode", "numpy", "ndarray" if node["type"] == "numpy":
            if node["file"] in read:
                raise ValueError(f"{node['file']} is there twice")
            read.add(node["file"])
            return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
        case _, module, kind:
            raise NotDataError(f"{module}.{kind}")
