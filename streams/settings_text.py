"""Settings as text: the allowed values of a setting, and a value with its passwords hidden. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def allowed_values(schema: Mapping[str, Any]) -> str:
    """Return the values that the JSON schema of one setting allows.

    >>> allowed_values({"type": "integer", "minimum": 1, "maximum": 1024})
    'a whole number from 1 to 1024'
    """
    if "values" in schema:
        return str(schema["values"])
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return allowed_values(option) + ", or unset"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") in ("integer", "number"):
        kind = "a whole number" if schema["type"] == "integer" else "a number"
        least = f"from {schema['minimum']}" if "minimum" in schema else f"above {schema['exclusiveMinimum']} and up"
        return f"{kind} {least} to {schema['maximum']}"
    if schema.get("format") == "path":
        return "a path"
    if schema.get("format") == "password":
        return "a secret text"
    if schema.get("title") == "Kafka":
        return "host:port, or several with commas between"
    return "a text"


def hide_passwords(text: str) -> str:
    """Return a URL with its passwords masked.

    >>> hide_passwords("rediss://worker:s3cret@redis:6380/0?ssl_password=x&db=1")
    'rediss://worker:***@redis:6380/0?ssl_password=***&db=1'
    >>> hide_passwords("worker:s3cret@redis:6380")
    'worker:***@redis:6380'
    """
    text = re.sub(r"((?:://|^)[^/@\s:]*:(?!//)).*(@)", r"\1***\2", text, flags=re.DOTALL)
    return re.sub(r"([?&][^=&]*password=)[^&]*", r"\1***", text)
