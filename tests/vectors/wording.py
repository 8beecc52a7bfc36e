"""Wording of statements: messages, names and formats of each language, for verifiers without Babel."""

from __future__ import annotations

import json
import re
from typing import Any

from babel import Locale

from models.languages import GROUPS, TAGS
from moderation.outward.statements.text import LANGUAGES, Translator, catalogue
from streams.signals.registry import BY_NAME
from tests.support.paths import ROOT

_WIDTH = 118
_COUNTRY = re.compile("[A-Z]{2}")


def wording() -> dict[str, Any]:
    """Collect what the words of a statement need besides its details."""
    signals = {name: one.statement for name, one in sorted(BY_NAME.items()) if one.statement}
    return {"signals": signals} | {one: _of(one) for one in LANGUAGES}


def words() -> dict[str, Any]:
    """Return everything from which a verifier derives words; words.txt has the rules, a paragraph each."""
    paragraphs = (ROOT / "tests/vectors/words.txt").read_text("utf-8").split("\n\n")
    return {"rules": [" ".join(one.split("\n")).strip() for one in paragraphs], "wording": wording()}


def _of(language: str) -> dict[str, Any]:
    locale, tr = Locale(language), Translator(language)
    messages = {} if language == "en" else {one.id: one.string for one in catalogue(language) if one.id}
    patterns = locale.list_patterns["standard"]
    assert patterns["middle"] == "{0}, {1}"
    return {
        "messages": messages,
        "months": [locale.months["format"]["wide"][month] for month in range(1, 13)],
        "two": _between(patterns["2"]),
        "last": _between(patterns["end"]),
        "groups": list(locale.decimal_formats[None].grouping),
        "languages": {tag: tr.language(tag) for tag in sorted({*GROUPS, *TAGS})},
        "countries": {str(code): name for code, name in locale.territories.items() if _COUNTRY.fullmatch(str(code))},
    }


def _between(pattern: str) -> str:
    """Return what a pattern of a list has between its two items."""
    return pattern.removeprefix("{0}").removesuffix("{1}")


def verifier_with_wording() -> str:
    """Return docs/verify_proof.py with the present wording."""
    text = (ROOT / "docs/verify_proof.py").read_text("utf-8")
    head, opening, rest = text.partition('json.loads(\n    r"""\n')
    _, closing, tail = rest.partition('"""')
    return head + opening + _lines(wording()) + closing + tail


def page_wording() -> str:
    """Return docs/verify/wording.js."""
    about = "// Messages by their English text, and names from Unicode's CLDR; written by `python -m tests.vectors`."
    return f'{about}\n"use strict";\n\nconst WORDING = {_lines(wording()).rstrip()};\n'


def _lines(content: dict[str, Any]) -> str:
    """Write JSON in lines of bounded width, broken between its values."""
    lines = [""]
    for value in json.dumps(content, ensure_ascii=False, indent=0).split("\n"):
        if len(lines[-1]) + len(value) > _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {value}".lstrip()
    return "\n".join(lines) + "\n"
