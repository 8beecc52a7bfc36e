"""Read the data of a skops file without skops, whose import loads all of scikit-learn.

A model file contains dictionaries, lists, texts and arrays (`models.artefact`), a small part of the skops format. The
format is a tree of nodes in `schema.json`, each with its class and loader, and arrays in .npy files. Nodes of any
other class are refused, so that no content of a file can execute code.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

PROTOCOL = 2
"""Version of the skops format that is read."""


class NotDataError(ValueError):
    """Node of a type that is not data."""


def loads(data: bytes) -> object:
    """Read a skops file.

    Raises:
        NotDataError: a node is of another type.
        Exception: any error of zipfile, json or numpy on a damaged file.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        if schema["protocol"] != PROTOCOL:
            raise ValueError(f"it has protocol {schema['protocol']} of skops, this version reads {PROTOCOL}")
        return _value(schema, archive, set())


def _value(node: dict[str, Any], archive: zipfile.ZipFile, read: set[str]) -> object:
    """Read a node; `read` has the arrays read before, since a hostile file may name one without end."""
    match node["__loader__"], node["__module__"], node["__class__"]:
        case "DictNode", "builtins", "dict":
            return {key: _value(member, archive, read) for key, member in node["content"].items()}
        case "ListNode", "builtins", "list":
            return [_value(member, archive, read) for member in node["content"]]
        case "JsonNode", "builtins", "str":
            text = json.loads(node["content"])
            if not isinstance(text, str):
                raise NotDataError(f"{type(text).__name__} as a text")
            return text
        case "NdArrayNode", "numpy", "ndarray" if node["type"] == "numpy":
            if node["file"] in read:
                raise ValueError(f"{node['file']} occurs twice")
            read.add(node["file"])
            return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
        case _, module, kind:
            raise NotDataError(f"{module}.{kind}")
