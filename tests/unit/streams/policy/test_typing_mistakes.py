"""Mistakes that people make when they type a policy: each is found at its line, in words, with what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from streams.cli.main import make_app
from streams.policy import PolicyFileError, parse_policy, policy_warnings
from tests.support.in_memory_policies import SHIPPED

TEXT = SHIPPED.decode()


class Mistake(NamedTuple):
    """Text of the shipped policy, what a person types in its place, and the first problem's marked text and words."""

    before: str
    typed: str
    marked: str
    message: str
    hint: str


LISTED, TERMS, FLOOR, DWELL = "never_suppress: []", "curated_terms: []", "    min_tweets: 50 ", "    dwell: 2m "
DROPPED = "a comment inside a list: YAML drops this hashtag"
HASH = "put the hashtag in quotes, or remove its #"
COLON = "a colon is missing"
MISTAKES = [
    Mistake(LISTED, "never_suppress: [metoo, #pride, rain]", "#pride", DROPPED, HASH),
    Mistake(LISTED, "never_suppress: [#pride, rain]", "#pride", DROPPED, HASH),
    Mistake(LISTED, "never_suppress: [metoo,\n  #pride]", "#pride", DROPPED, HASH),
    Mistake(LISTED, "never_suppress: [metoo,\n  #pride,\n  rain]", "#pride", DROPPED, HASH),
    Mistake(LISTED, "never_suppress:\n  - metoo\n  - #pride", "", "an entry without a value", HASH),
    Mistake(LISTED, "never_suppress:\n  #pride\n  #rain", "never_suppress", "`never_suppress` has no value", HASH),
    Mistake(TERMS, "curated_terms:\n  - {term: #slur, match: exact}", "#slur", DROPPED, HASH),
    Mistake(TERMS, "curated_terms:\n  - term: #slur\n    match: exact", "term", "`term` has no value", HASH),
    Mistake(LISTED, "never_suppress: [metoo, rain", "[", "a bracket opens here and is not closed", "write ]"),
    Mistake(LISTED, "never_suppress: [metoo rain]", "metoo rain", "no spaces", "metoo, rain for 2 hashtags, or metoo"),
    Mistake(LISTED, "never_suppress:\n  – metoo", "– metoo", "text where a list belongs", "a hyphen and a space"),
    Mistake("serial: 1 ", "serial 1 ", "serial 1", COLON, "write serial: 1"),
    Mistake(FLOOR, "    min_tweets 50 ", "min_tweets 50", COLON, "write min_tweets: 50"),
    Mistake(FLOOR, "    min_tweets:50 ", "min_tweets:50", "a space is missing after the colon", "write min_tweets: 50"),
    Mistake(FLOOR, "    min_tweets = 50 ", "min_tweets = 50", "= where a colon belongs", "write min_tweets: 50"),
    Mistake(FLOOR, "    min_tweets： 50 ", "min_tweets： 50", "： where a colon belongs", "write min_tweets: 50"),
    Mistake("  abuse:    ", "  abuse    ", "abuse", COLON, "write abuse:"),
    Mistake("valves:\n", "valves\n", "valves", COLON, "write valves:"),
    Mistake("_within: 10m", "_within 10m", "skip_first_answer_within 10m", "where a mapping", "_within: 10m"),
    Mistake(TERMS, "curated_terms:\n  - {term:slur, match: exact}", "term:slur", "a space is missing", "term: slur"),
    Mistake(FLOOR, "    min_tweets:\u00a050 ", "\u00a0", "U+00A0", "an ordinary space"),
    Mistake(FLOOR, "\u00a0\u00a0  min_tweets: 50 ", "\u00a0", "U+00A0", "an ordinary space"),
    Mistake(LISTED, "never_suppress: [“#pride”]", "“#pride”", "typographic quotes", 'write "#pride"'),
    Mistake(TERMS, "curated_terms: [{term: ‘slur’}]", "‘slur’", "typographic quotes", 'write "slur"'),
    Mistake(FLOOR, "    “min_tweets”: 50 ", "“min_tweets”", "typographic quotes", "write min_tweets"),
    Mistake(DWELL, "    dwell: 30 ", "30", "not a duration", "write 30s or 30m"),
    Mistake(DWELL, '    dwell: "30" ', '"30"', "not a duration", "write 30s or 30m"),
    Mistake(DWELL, "    dwell: 1.5h ", "1.5h", "not a duration", "write 90m"),
    Mistake(DWELL, "    dwell: 1h30m ", "1h30m", "not a duration", "write 90m"),
    Mistake(DWELL, "    dwell: 2 minutes ", "2 minutes", "not a duration", "write 2m"),
    Mistake("suppress_at: 0.45", "suppress_at: 45%", "45%", "text where a number", "write 0.45"),
    Mistake("suppress_at: 0.45", "suppress_at: 0,45", "0,45", "text where a number", "write 0.45"),
    Mistake("suppress_at: 0.45", 'suppress_at: "0.45"', '"0.45"', "text where a number", "write 0.45, without quotes"),
    Mistake("pane: 50000", "pane: 50,000", "50,000", "text where a whole number", "write 50000"),
    Mistake("pane: 50000", "pane: 50 000", "50 000", "text where a whole number", "write 50000"),
    Mistake("mode: shadow", "mode: hold for review", "hold for review", "not known here", "hold_for_review"),
    Mistake("suppress_at: 0.45", "supress_at: 0.45", "supress_at", "unknown key", "did you mean `suppress_at`?"),
    Mistake("    min_authors: 40", "     min_authors: 40", "m", "the indentation does not fit", "4 spaces, as line 31"),
    Mistake("    min_authors: 40", "   min_authors: 40", "m", "the indentation does not fit", "4 spaces, as line 31"),
    Mistake("      burst: 4", "     burst: 4", "b", "the indentation does not fit", "6 spaces, as line 4"),
    Mistake("      need: 1\n", "      need 1\n", "need 1", COLON, "write need: 1"),
    Mistake("    min_authors: 40", "\tmin_authors: 40", "\t", "a tab", "use two spaces"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.typed.strip())
def test_mistake_is_marked_with_what_to_write(mistake: Mistake) -> None:
    assert mistake.before in TEXT
    with pytest.raises(PolicyFileError) as refused:
        parse_policy(TEXT.replace(mistake.before, mistake.typed, 1), "policy.yaml", shards=8)
    problem = min(refused.value.problems, key=lambda one: mistake.message not in one.message)
    assert mistake.message in problem.message, refused.value
    assert mistake.hint in problem.hint
    began = TEXT[: TEXT.index(mistake.before)].count("\n") + 1
    assert began <= problem.line <= began + mistake.typed.count("\n")
    if mistake.marked:
        at = problem.column - 1
        assert problem.source[at : at + problem.length] == mistake.marked


SIGNAL = "      burst: 4                # 4 times its own earlier rate"
OVERRIDES = "    # overrides:\n"


@pytest.mark.parametrize(
    ("before", "typed", "path", "message"),
    [
        (SIGNAL, "      term: true", "hateful_conduct.corroborate.term", "term needs `curated_terms`"),
        (SIGNAL, "      links: 0.2", "hateful_conduct.corroborate.links", "links need `link_domains`"),
        (
            OVERRIDES,
            "    overrides:\n      - country: IN\n        corroborate: {need: 1, authors: 100, term: true}\n",
            "gendered_abuse.overrides.0.corroborate.term",
            "term needs `curated_terms`",
        ),
    ],
)
def test_signal_without_its_list_is_a_warning_at_its_line(before: str, typed: str, path: str, message: str) -> None:
    assert before in TEXT
    text = TEXT.replace(before, typed, 1)
    [warning] = policy_warnings(parse_policy(text, "policy.yaml", shards=8), text, "policy.yaml")
    assert (warning.path, warning.message) == (f"categories.{path}", f"warning: {message}, so it never counts")
    assert warning.source in typed.splitlines() and warning.hint


def test_shipped_policy_has_no_warning() -> None:
    assert policy_warnings(parse_policy(TEXT, "policy.yaml"), TEXT, "policy.yaml") == []


def test_check_command_warns_and_accepts(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT.replace(SIGNAL, "      term: true", 1))
    done = CliRunner().invoke(make_app("policy"), ["policy", "check", str(path)])
    assert done.exit_code == 0 and ": good. revision " in done.stdout
    assert "warning: term needs `curated_terms`, so it never counts\n" in done.stdout and "| " in done.stdout
    row = json.loads(CliRunner().invoke(make_app("policy"), ["policy", "check", "--json", str(path)]).stdout)
    assert row["path"] == "categories.hateful_conduct.corroborate.term"
