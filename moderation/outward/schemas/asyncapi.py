"""AsyncAPI 3 document of the topics: which records each has, how they are encoded, and for whom."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.outward.schemas.json_schemas import DIALECT
from moderation.outward.schemas.records import RECORDS
from streams.log.topic_specs import (
    AUDIT,
    AUDIT_CHECKPOINTS,
    AUDIT_ERASURES,
    AUDIT_OPENINGS,
    DEAD_LETTER,
    DECISIONS,
    EVIDENCE,
    INTERNAL_DEAD_LETTER,
    MODELS,
    MODERATION,
    NOTIFICATIONS,
    PANES,
    PARTIALS,
    POLICY,
    SHORT_PANES,
    SHOWN_TEXTS,
    SPECS,
    TWEETS,
)

_FORMAT = "application/schema+json;version=draft-2020-12"
_ABOUT = {
    TWEETS: "Tweets, in the native payload or a payload of the platform. hushtag only reads them.",
    PARTIALS: "Counts of blocks. Private: the form may change with any version.",
    PANES: "Settled panes of a minute and of 15 minutes. Private: the form may change with any version.",
    SHORT_PANES: "Settled panes of ten seconds. Private, too.",
    EVIDENCE: "Signals of hashtags as columns. Private: read them with `hushtag explain` or `policy impact`.",
    DECISIONS: "Decisions of the pipeline, progress of each shard, texts by language and hour, and signs of life of "
    "stopped shards.",
    MODERATION: "Decisions of people: overrides, orders, speakers, cases, appeals, readings, markings and labels of "
    "texts, published reports, ended sessions, repairs.",
    POLICY: "Every policy that was ever live, reports of workers, and incarnations of the shards' topics.",
    MODELS: "Models as pieces of files. Private: read them with `hushtag model`.",
    AUDIT: "Leaves of the public log's Merkle tree: a fixed prefix and a digest for each field. Keys are numbers.",
    AUDIT_OPENINGS: "Salts and values of the leaves, by number: two lists. Confidential.",
    AUDIT_ERASURES: "Salts and values of type and period of erased entries, by number.",
    AUDIT_CHECKPOINTS: "The signed state of the log's writer, and the published checkpoint.",
    SHOWN_TEXTS: "Encrypted texts that people have read.",
    NOTIFICATIONS: "Messages of `hushtag notify`, and what was delivered.",
    DEAD_LETTER: "Tweets that cannot be read: the original bytes, with reason and origin in the headers.",
    INTERNAL_DEAD_LETTER: "Records of other topics that cannot be read, in the same form.",
}
_BINARY = {PARTIALS, PANES, SHORT_PANES, EVIDENCE}


def asyncapi() -> Mapping[str, object]:
    """Return the document; names of topics are those without HUSHTAG_TOPIC_PREFIX."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "hushtag's topics",
            "version": "1",
            "description": "Names are without HUSHTAG_TOPIC_PREFIX. hushtag writes all topics but `tweets`. To write "
            "decisions of people, use the HTTP API or the commands: records are checked against each other.",
        },
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec.name) for spec in SPECS},
        "operations": {f"{_action(spec.name)}-{spec.name}": _operation(spec.name) for spec in SPECS},
    }


def _action(topic: str) -> str:
    return "receive" if topic == TWEETS else "send"


def _operation(topic: str) -> Mapping[str, object]:
    return {"action": _action(topic), "channel": {"$ref": f"#/channels/{topic}"}}


def _channel(topic: str) -> Mapping[str, object]:
    message: dict[str, object] = {"name": topic, "contentType": "application/json"}
    if topic in RECORDS:
        message["payload"] = {"schemaFormat": _FORMAT, "schema": {"$schema": DIALECT, "$ref": f"{topic}.json"}}
    elif topic == TWEETS:
        schema = {"$schema": DIALECT, "$ref": "../../config/native-tweet.schema.json"}
        message["payload"] = {"schemaFormat": _FORMAT, "schema": schema}
    elif topic in _BINARY:
        message["contentType"] = "application/vnd.msgpack"
    else:
        message["contentType"] = "application/octet-stream"
    return {"address": topic, "description": _ABOUT[topic], "messages": {"record": message}}
