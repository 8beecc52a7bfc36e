"""Content of the files in docs/schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping

from moderation.outward.schemas.asyncapi import asyncapi
from moderation.outward.schemas.json_schemas import register_schema, topic_schema, webhook_schema
from moderation.outward.schemas.records import RECORDS


def schema_files() -> dict[str, str]:
    """Return the content of every file, by its name."""
    schemas: dict[str, Mapping[str, object]] = {
        "register": register_schema(),
        **{topic: topic_schema(topic) for topic in RECORDS},
        "webhook": webhook_schema(),
        "asyncapi": asyncapi(),
    }
    texts = {name: json.dumps(schema, indent=1, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
    # JSON Schema has the expressions of ECMA-262: there `$` is the end of a text, and `\Z` is not known.
    return {f"{name}.json": text.replace('\\\\Z"', '$"') for name, text in texts.items()}
