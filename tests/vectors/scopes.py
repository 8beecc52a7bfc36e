"""Questions about surfaces and countries, known and unknown, with the warning of the answer."""

from __future__ import annotations

from typing import Any

from hushtag_client.countries import COUNTRIES

from tests.vectors.following import Plain, T, register

ABOUT = (
    "The warning of an answer: null, unknown_surface or unknown_country. Cases are as in staleness.json. `countries`: "
    "the codes of ISO 3166-1 alpha-2."
)
REGISTERS = [register(surface="explore"), register("there", country="IN")]
CURRENT = {"settled_ms": T, "at_ms": T, "partitions": 2}
SURFACES = {"surfaces": ["search", "trends"]}


def asked(
    surface: str, country: str | None, warning: str | None, hashtag: str = "tag", why: str = "clear", **members: Any
) -> Plain:
    by = f"{surface}|{members.pop('where', '*')}|automated|{hashtag}" if why == "flagged" else None
    return {"hashtag": hashtag, "surface": surface, "country": country, "at_ms": T, "shown": why != "flagged",
            "why": why, "by": by, "warning": warning} | members  # fmt: skip


def case(name: str, heartbeats: Plain, *questions: Plain, reconciled: tuple[str, ...] = ("0", "1")) -> Plain:
    return {
        "name": name,
        "registers": REGISTERS,
        "heartbeats": heartbeats,
        "reconciled": [*reconciled, "moderation"],
        "seen_ms": T,
        "questions": list(questions),
    }


S, C = "unknown_surface", "unknown_country"
CASES = [
    case(
        "heartbeats name the surfaces",
        {"0": CURRENT | SURFACES, "1": CURRENT | SURFACES},
        asked("trends", "IN", None),
        asked("search", "IN", None),
        asked("account", "IN", None),
        asked("tweet", None, None),
        asked("trend", "IN", S),
        asked("Trends", "IN", S),
        asked("trend", "ZZ", S),
        asked("explore", "IN", S, "sometag", "flagged"),
    ),
    case(
        "countries are those of ISO 3166-1, in upper or lower case",
        {"0": CURRENT | SURFACES, "1": CURRENT | SURFACES},
        asked("trends", None, None),
        asked("trends", "", None),
        asked("trends", "*", None),
        asked("trends", "in", None, "there", "flagged", where="IN"),
        asked("trends", "In", C, "there"),
        asked("trends", "IND", C, "there"),
        asked("trends", "ZZ", C),
        asked("trends", "UK", C),
        asked("trends", "EU", C),
        asked("trends", "India", C),
    ),
    case(
        "no heartbeat names surfaces: every surface is known",
        {"0": CURRENT, "1": CURRENT},
        asked("trend", "IN", None),
        asked("trend", "ZZ", C),
    ),
    case(
        "the surfaces of all shards count, reconciled or not",
        {"0": CURRENT | {"surfaces": ["trends"]}, "1": CURRENT | {"surfaces": ["explore"]}},
        asked("trends", "IN", None),
        asked("explore", "IN", None),
        asked("search", "IN", S),
        reconciled=("0", "1"),
    ),
    case(
        "heartbeats of another number of shards name none",
        {"0": CURRENT | SURFACES, "1": CURRENT | SURFACES,
         "2": {"settled_ms": T, "at_ms": T - 1, "partitions": 3, "surfaces": ["old"]}},
        asked("trends", "IN", None),
        asked("old", "IN", S),
    ),
    case(
        "surfaces that are no texts are left out, and the heartbeat counts",
        {"0": CURRENT | {"surfaces": ["trends", 5]}, "1": CURRENT | {"surfaces": "search"}},
        asked("trends", "IN", None),
        asked("search", "IN", S),
    ),
    case(
        "an answer by fallback has the warning, too",
        {"0": CURRENT | SURFACES | {"settled_ms": T - 120_000}, "1": CURRENT | SURFACES},
        asked("trend", "IN", S, "there", "stale"),
        asked("trends", "ZZ", C, "there", "stale"),
        asked("trends", "FR", None, "there", "stale"),
    ),
]  # fmt: skip


def scopes() -> Plain:
    """Return the content of `scopes.json`."""
    return {"about": ABOUT, "countries": sorted(COUNTRIES), "cases": CASES}
