"""Bad policies: each is refused with the position of its problem, and with a hint."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from streams.policy import PolicyFileError, parse_policy
from tests.support.policy_cases import GOOD, SHARDS, edited


@dataclass(frozen=True)
class Bad:
    """Bad policy, and the problem that must be reported for it."""

    name: str
    line: int
    column: int
    message: str
    """Part of the message."""
    hint: str = ""
    """Part of the hint."""
    changes: dict[int, str] = field(default_factory=dict)
    raw: bytes | None = None
    count: int = 1
    """Total number of problems."""

    @property
    def content(self) -> bytes:
        return edited(self.changes).encode() if self.raw is None else self.raw


def _bomb() -> bytes:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(rows).encode()


BAD = [
    # ---- no policy at all ----
    Bad("empty", 1, 1, "the file is empty", "copy of config/policy.yaml", raw=b""),
    Bad("only comments", 1, 1, "the file is empty", "copy of", raw=b"# nothing\n\n# yet\n"),
    Bad("a word", 1, 1, "a policy is a mapping", "copy of", raw=b"hello\n"),
    Bad("a list", 1, 1, "a policy is a mapping", "copy of", raw=b"- serial: 1\n"),
    Bad("too large", 1, 1, "too large", "is this the policy file", raw=b"# " + b"x" * (1 << 18)),
    Bad("fifty megabytes", 1, 1, "too large", "is this the policy file", raw=b"a: b\n" * 10_000_000),
    Bad("utf-16", 1, 1, "UTF-16", "save it as UTF-8", raw=GOOD.encode("utf-16")),
    Bad(
        "latin-1",
        18,
        21,
        "0xe9 is not UTF-8",
        "save it as UTF-8",
        raw=edited({18: "never_suppress: [caf\u00e9]"}).encode("latin-1"),
    ),
    Bad("control character", 2, 10, "U+0007", "delete it", raw=b"serial: 1\nwindows: \x07[10m]\n"),
    Bad("nul", 1, 9, "U+0000", "delete it", raw=b"serial: \x00"),
    # ---- not YAML ----
    Bad("tab", 5, 1, "a tab", "two spaces", {5: "\tmode: suppress"}),
    Bad("tabs on two lines", 5, 1, "a tab", "two spaces", {5: "\tmode: suppress", 7: "  \tmin_tweets: 50"}, count=2),
    Bad("open bracket", 2, 10, "not YAML", "never closed", raw=b"serial: 1\nwindows: [10m, 1h\n"),
    Bad(
        "open bracket, more below",
        2,
        10,
        "a bracket opens here and is not closed",
        "write ]",
        raw=b"serial: 1\nwindows: [10m, 1h\ncategories: {}\n",
    ),
    Bad("open quote", 18, 18, "not YAML", "never closed", {18: "never_suppress: ['farmers]"}),
    Bad("two colons", 5, 19, "not YAML", "second colon", {5: "    mode: suppress: yes"}),
    Bad("colon missing", 5, 5, "a colon is missing", "write mode: suppress", {5: "    mode suppress"}),
    Bad(
        "wrong indentation",
        6,
        6,
        "the indentation does not fit",
        "begin it with 6 spaces, as line 5",
        {4: "    abuse:\n      mode: suppress", 5: "     windows: [10m]"},
    ),
    Bad("a star for the world", 16, 19, "not YAML", "in quotes", {16: "      - {country: *, suppress_at: 0.6}"}),
    Bad("starts with @", 18, 18, "not YAML", "in quotes", {18: "never_suppress: [@someone]"}),
    Bad("template", 1, 10, "not a word", "template", raw=b"serial: {{ .Values.serial }}\n", count=3),
    Bad(
        "too deep",
        2,
        22,
        "nested too deep",
        "is this the policy file",
        raw=b"serial: 1\nwindows: " + b"[" * 9_000,
        count=1,
    ),
    Bad(
        "too many values",
        2,
        80_001,
        "too many values",
        "is this the policy file",
        raw=b"serial: 1\nwindows: [" + b"x," * 50_000,
    ),
    # ---- YAML beyond data ----
    Bad("bomb", 1, 5, "an anchor, &a0", "delete &a0", raw=_bomb(), count=103),
    Bad("anchor", 12, 12, "an anchor, &d", "delete &d", {12: "    dwell: &d 30s"}),
    Bad("alias", 13, 13, "an alias, *d", "write it out", {12: "    dwell: &d 10m", 13: "    expiry: *d"}, count=2),
    Bad("merge key", 4, 10, "an anchor", "delete &a", {4: "  abuse: &a", 18: "  hateful_conduct: {<<: *a}"}, count=2),
    Bad(
        "tag",
        1,
        9,
        "a tag, !!python/object/apply:os.system",
        "begins with !",
        {1: "serial: !!python/object/apply:os.system [x]"},
    ),
    Bad("directive", 1, 1, "a YAML directive", "line with %", {1: "%YAML 1.1\n---\nserial: 1"}),
    Bad(
        "two documents",
        22,
        1,
        "a second YAML document",
        "---",
        {21: "valves: {max_automated_hours: 24}\n---\nserial: 2"},
    ),
    Bad("complex key", 2, 3, "not a word", "list with -", {2: "? [10m, 1h]\n: x"}),
    Bad(
        "duplicate key",
        10,
        5,
        "`suppress_at` is set twice, first on line 9",
        "delete one",
        {10: "    suppress_at: 0.3\n    clear_at: 0.3"},
    ),
    Bad(
        "duplicate category",
        18,
        3,
        "`abuse` is set twice, first on line 4",
        "delete one",
        {18: "  abuse: {mode: shadow}"},
    ),
    Bad("no value", 9, 5, "`suppress_at` has no value", "give it one", {9: "    suppress_at:"}),
    Bad("null", 12, 5, "`dwell` has no value", "delete the line", {12: "    dwell: ~"}),
    Bad(
        "a bare # in a list",
        19,
        4,
        "an entry without a value",
        "a # begins a comment",
        {18: "never_suppress:\n  - #FarmersProtest"},
    ),
    Bad(
        "a bare # in brackets",
        18,
        18,
        "YAML drops this hashtag",
        "a # begins a comment",
        {18: "never_suppress: [#FarmersProtest]", 19: "", 20: "", 21: ""},
    ),
    Bad(
        "a bare # in brackets over several lines",
        20,
        3,
        "YAML drops this hashtag",
        "a # begins a comment",
        {18: "never_suppress: [\n  one,\n  #FarmersProtest, two,\n  'a #quoted', # a comment\n]"},
        count=2,
    ),
    Bad(
        "a bare # after an entry",
        19,
        9,
        "YAML drops this hashtag",
        "a # begins a comment",
        {18: "never_suppress:\n  - one #two\n  - three # a comment\n  #four"},
    ),
    # ---- names ----
    Bad("unknown key", 9, 5, "unknown key `supress_at`", "did you mean `suppress_at`?", {9: "    supress_at: 0.5"}),
    Bad("hyphens", 9, 5, "unknown key `suppress-at`", "did you mean `suppress_at`?", {9: "    suppress-at: 0.5"}),
    Bad("unknown key at the top", 2, 1, "unknown key `window`", "did you mean `windows`?", {2: "window: [10m, 1h]"}),
    Bad("unknown key, nothing near", 2, 1, "unknown key `zzz`", "", {2: "zzz: 1"}),
    Bad(
        "a category's key at the top",
        2,
        1,
        "unknown key `suppress_at`",
        "belongs to a category",
        {2: "suppress_at: 0.5"},
    ),
    Bad(
        "a valve at the top",
        21,
        1,
        "unknown key `max_automated_hours`",
        "belongs to `valves`",
        {21: "max_automated_hours: 12"},
    ),
    Bad(
        "unknown key in an override",
        16,
        23,
        "unknown key `clear`",
        "did you mean `clear_at`?",
        {16: "      - {country: IN, clear: 0.2, suppress_at: 0.6}"},
    ),
    Bad(
        "unknown signal",
        14,
        28,
        "unknown key `copy`",
        "did you mean `copies`?",
        {14: "    corroborate: {need: 1, copy: 0.3, authors: 100}"},
    ),
    Bad("unknown mode", 5, 11, "'Supress' is not known here", "did you mean `suppress`?", {5: "    mode: Supress"}),
    Bad("mode cut short", 5, 11, "'hold' is not known here", "did you mean `hold_for_review`?", {5: "    mode: hold"}),
    Bad(
        "unknown surface",
        17,
        19,
        "'serach' is not known here",
        "did you mean `search`?",
        {17: "      - {surface: serach, min_authors: 45}"},
    ),
    Bad("unknown match", 20, 28, "'fuzzy' is not known here", "", {20: "  - {term: badword, match: fuzzy}"}),
    Bad(
        "unknown country",
        16,
        19,
        "there is no country 'UK'",
        "write GB",
        {16: "      - {country: UK, suppress_at: 0.6}"},
    ),
    Bad(
        "country in lower case",
        16,
        19,
        "there is no country 'in'",
        "write IN",
        {16: "      - {country: in, suppress_at: 0.6}"},
    ),
    Bad("unknown category", 4, 3, "the model has no category `abusive`", "did you mean `abuse`?", {4: "  abusive:"}),
    Bad("missing serial", 1, 1, "`serial` is missing", "", {1: "surfaces: [trends, search]"}),
    Bad(
        "missing key", 4, 3, "`clear_at` is missing in `categories.abuse`", "", {10: "    windows: [10m]", 6: "    # "}
    ),
    Bad("no categories", 2, 13, "nothing in it", "give it one", raw=b"serial: 1\ncategories: {}\n"),
    # ---- values ----
    Bad(
        "a category that is a word",
        4,
        10,
        "text where a mapping belongs",
        "",
        raw=b"serial: 1\n\ncategories:\n  abuse: shadow\n",
    ),
    Bad("not a number", 9, 18, "nan is out of range", "ordinary number", {9: "    suppress_at: .nan"}),
    Bad("infinite", 9, 18, "inf is out of range", "ordinary number", {9: "    suppress_at: .inf"}),
    Bad("negative floor", 7, 17, "-50 is out of range", "write 50, without the minus", {7: "    min_tweets: -50"}),
    Bad("negative serial", 1, 9, "-1 is out of range", "write 1, without the minus", {1: "serial: -1"}),
    Bad("a number that is too long", 1, 9, "far too long", "", {1: "serial: " + "9" * 5_000}),
    Bad("per cent", 9, 18, "50 is out of range", "not per cent: write 0.5", {9: "    suppress_at: 50"}),
    Bad("per cent, with a sign", 9, 18, "text where a number belongs", "write 0.5", {9: "    suppress_at: 50%"}),
    Bad("decimal comma", 9, 18, "text where a number belongs", "write 0.5", {9: "    suppress_at: 0,5"}),
    Bad(
        "number in quotes",
        7,
        17,
        "text where a whole number belongs",
        "write 50, without quotes",
        {7: '    min_tweets: "50"'},
    ),
    Bad("half a tweet", 7, 17, "a number where a whole number belongs", "write 50", {7: "    min_tweets: 50.4"}),
    Bad("true for a number", 7, 17, "true or false where a whole number belongs", "", {7: "    min_tweets: true"}),
    Bad("a list for a number", 7, 5, "a list where a whole number belongs", "", {7: "    min_tweets: [50]"}),
    Bad("one window, no list", 6, 14, "text where a list belongs", "write [10m]", {6: "    windows: 10m"}),
    Bad("no windows", 2, 10, "nothing in it", "give it one", {2: "windows: []", 6: "    # "}),
    Bad("duration without unit", 12, 12, "not a duration", "write 30s", {12: "    dwell: 30"}),
    Bad("duration in words", 13, 13, "not a duration", "write 10m", {13: "    expiry: 10 minutes"}),
    Bad("duration in days", 13, 13, "not a duration", "write 24h", {13: "    expiry: 1d"}),
    Bad("a word as a duration", 13, 13, "not a duration", "", {13: "    expiry: forever"}),
    Bad("negative duration", 12, 12, "not a duration", "", {12: "    dwell: -30s"}),
    Bad(
        "a tag that is a number",
        18,
        18,
        "a whole number where text belongs",
        'in quotes: "1984"',
        {18: "never_suppress: [1984]"},
    ),
    Bad(
        "a tag of two words",
        18,
        18,
        "a hashtag has no spaces",
        "write farmers, protest for 2 hashtags, or farmersprotest for one",
        {18: "never_suppress: [farmers protest]"},
    ),
    Bad(
        "an accent without a letter",
        18,
        18,
        "has a space once normalised",
        "write far",
        {18: "never_suppress: [far\u00a8mers]"},
    ),
    Bad("a tag of nothing", 18, 18, "empty once normalised", "", {18: 'never_suppress: ["#"]'}),
    Bad(
        "yes for true",
        14,
        36,
        "text where true or false belongs",
        "write true",
        {14: "    corroborate: {need: 1, term:   yes, authors: 100}"},
    ),
    # ---- what contradicts itself ----
    Bad(
        "clear_at above suppress_at",
        10,
        15,
        "clear_at 0.6 is not below suppress_at 0.5",
        "0.3",
        {10: "    clear_at: 0.6", 16: "      - {country: IN, suppress_at: 0.7}"},
    ),
    Bad(
        "clear_at above an override's suppress_at",
        16,
        36,
        "not below suppress_at 0.2 (with its overrides, on trends, in IN)",
        "0.13",
        {16: "      - {country: IN, suppress_at: 0.2}"},
    ),
    Bad(
        "two overrides, wrong together",
        17,
        40,
        "clear_at 0.45 is not below suppress_at 0.4 (with its overrides, on search, in IN)",
        "",
        {16: "      - {country: IN, clear_at: 0.45}", 17: "      - {surface: search, suppress_at: 0.4}"},
    ),
    Bad(
        "window no multiple of the pane",
        2,
        16,
        "25s is no multiple of 10s",
        "write 20s",
        {2: "windows: [10m, 25s, 1h]"},
    ),
    Bad("long window, no whole minutes", 2, 16, "1230s is over 15m", "write 20m", {2: "windows: [10m, 1230s, 1h]"}),
    Bad("window too long", 2, 16, "48h is out of range", "write 24h", {2: "windows: [10m, 48h]"}),
    Bad("window of nothing", 2, 11, "0s is out of range", "write 10s", {2: "windows: [0s, 10m]"}),
    Bad(
        "window that the policy does not have",
        6,
        5,
        "5m is not among the policy's windows",
        "write 10m",
        {6: "    windows: [5m]"},
    ),
    Bad("the same window twice", 2, 16, "'10m' is listed twice", "delete one", {2: "windows: [10m, 600s, 1h]"}),
    Bad("dwell no multiple of the pane", 12, 12, "35s is no multiple of 10s", "write 40s", {12: "    dwell: 35s"}),
    Bad("expiry too short", 13, 13, "15s is out of range", "write 20s", {13: "    expiry: 15s"}),
    Bad(
        "expiry shorter than dwell",
        13,
        13,
        "expiry 20s is shorter than dwell 30s",
        "write 30s",
        {13: "    expiry: 20s"},
    ),
    Bad(
        "expiry above the valve",
        13,
        13,
        "expiry 48h is above max_automated_hours 24",
        "write 24h",
        {13: "    expiry: 48h"},
    ),
    Bad(
        "floor below evidence_floor",
        8,
        18,
        "min_authors 5 is below evidence_floor 10",
        "raise it to 10",
        {8: "    min_authors: 5"},
    ),
    Bad("more authors than tweets", 8, 18, "min_authors 60 is above min_tweets 50", "", {8: "    min_authors: 60"}),
    Bad(
        "evidence_floor below score_floor",
        2,
        17,
        "evidence_floor 4 is below score_floor 5",
        "",
        {2: "evidence_floor: 4"},
    ),
    Bad("confidence too low", 11, 17, "0.5 is out of range", "", {11: "    confidence: 0.5"}),
    Bad("confidence 1", 11, 17, "1 is out of range", "", {11: "    confidence: 1"}),
    Bad(
        "confidence above early_confidence",
        11,
        17,
        "confidence 0.995 is above early_confidence 0.99",
        "raise early_confidence",
        {11: "    confidence: 0.995"},
    ),
    Bad(
        "threshold out of reach",
        9,
        18,
        "suppress_at 0.97 can never be reached",
        "lower it",
        {9: "    suppress_at: 0.97"},
    ),
    Bad("hides by text alone", 5, 11, "mode suppress without corroboration", "mode review", {14: "    # "}),
    Bad(
        "hides by text alone, need 0",
        14,
        5,
        "mode suppress without corroboration",
        "mode review",
        {14: "    corroborate: {need: 0}"},
    ),
    Bad(
        "needs more than it names",
        14,
        5,
        "need 3, but only 2 signals can be reached",
        "name more",
        {14: "    corroborate: {need: 3, copies: 0.3, authors: 100}"},
    ),
    Bad(
        "burst without a past",
        14,
        5,
        "need 1, but only 0 signals can be reached",
        "longer window",
        {2: "windows: [10m]", 14: "    corroborate: {need: 1, burst: 4}"},
    ),
    Bad(
        "term without terms",
        14,
        5,
        "need 1, but only 0 signals can be reached",
        "curated_terms",
        {14: "    corroborate: {need: 1, term: true}", 19: "", 20: ""},
    ),
    Bad(
        "tag twice once normalised",
        18,
        34,
        "'#FarmersProtest' is listed twice: the same as 'farmersprotest'",
        "delete one",
        {18: 'never_suppress: [farmersprotest, "#FarmersProtest"]'},
    ),
    Bad(
        "term twice",
        20,
        42,
        "'BadWord' is listed twice",
        "delete one",
        {20: "  [{term: badword, match: exact}, {term: BadWord}]"},
    ),
    Bad(
        "term and never",
        20,
        12,
        "'farmersprotest' is in never_suppress too",
        "delete it",
        {20: "  - {term: farmersprotest}"},
    ),
    Bad(
        "override for everything",
        16,
        9,
        "an override for everything",
        "name a surface",
        {16: "      - {suppress_at: 0.6}"},
    ),
    Bad("override of nothing", 16, 9, "changes nothing", "delete it", {16: "      - {country: IN}"}),
    Bad(
        "two overrides for one place",
        17,
        9,
        "a second override on every surface, in IN",
        "into one",
        {17: "      - {country: IN, min_authors: 45}"},
    ),
    Bad(
        "override on another surface",
        17,
        19,
        "`search` is not among this policy's surfaces",
        "add search",
        {2: "surfaces: [trends]"},
    ),
    Bad(
        "cap below the shards",
        21,
        62,
        "a cap of 4 cannot be divided over 8 shards",
        "write 8",
        {21: "valves: {max_automated_hours: 24, new_suppressions_per_hour: 4}"},
    ),
    Bad(
        "less than one of the biggest tags",
        21,
        49,
        "0.05 of 10 tags is less than one",
        "write 0.1, or raise top_tags",
        {21: "valves: {top_tags: 10, suppressed_share_of_top: 0.05}"},
    ),
    Bad("valve share above one", 21, 24, "1.5 is out of range", "", {21: "valves: {least_scored: 1.5}"}),
    Bad(
        "byte order mark, then a slip",
        1,
        1,
        "unknown key `serail`",
        "did you mean `serial`?",
        raw=b"\xef\xbb\xbf" + edited({1: "serail: 1"}).encode(),
    ),
    Bad("negative share", 9, 18, "-0.5 is out of range", "write 0.5, without the minus", {9: "    suppress_at: -0.5"}),
    Bad("cap of nothing", 21, 37, "0 is out of range", "", {21: "valves: {new_suppressions_per_hour: 0}"}),
    Bad(
        "a link where a domain belongs",
        21,
        25,
        "more than a domain",
        "write evil.example",
        {21: 'link_domains: [{domain: "https://evil.example/login"}]'},
    ),
    Bad("a domain of one label", 21, 25, "not a domain name", "", {21: "link_domains: [{domain: example}]"}),
    Bad(
        "a domain twice, once in punycode",
        23,
        14,
        "'XN--BCHER-KVA.example' is listed twice: the same as 'bücher.example' once normalised",
        "delete one of the two",
        {21: "link_domains:\n  - {domain: bücher.example}\n  - {domain: XN--BCHER-KVA.example}"},
    ),
    Bad(
        "links asked for, none listed",
        14,
        5,
        "need 2, but only 1 signal can be reached",
        "links need `link_domains`",
        {14: "    corroborate: {need: 2, copies: 0.3, links: 0.2}"},
    ),
    Bad(
        "migrated campaign without any hiding rule",
        14,
        5,
        "need 1, but only 0 signals can be reached",
        "successor needs a rule in a mode that hides and that can begin without it",
        {14: "    corroborate: {need: 1, successor: 0.4}"},
    ),
    Bad(
        "share above one",
        14,
        52,
        "1.2 is out of range",
        "",
        {14: "    corroborate: {need: 1, copies: 0.3, successor: 1.2}"},
    ),
]


def test_table_has_distinct_cases_and_a_good_policy() -> None:
    assert len({case.name for case in BAD}) == len(BAD)
    parse_policy(GOOD, "good.yaml", shards=SHARDS)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_parse_reports_bad_policy(case: Bad) -> None:
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(case.content, "bad.yaml", shards=SHARDS)
    problems = caught.value.problems
    shown = "\n".join(problem.render() for problem in problems)
    here = [problem for problem in problems if (problem.line, problem.column) == (case.line, case.column)]
    assert here, shown
    assert any(case.message in problem.message and case.hint in problem.hint for problem in here), shown
    assert len(problems) == case.count, shown
    for problem in here:
        rows = problem.render().splitlines()
        assert rows[0].startswith(f"bad.yaml:{case.line}:{case.column}: ")
        if problem.source.strip():
            assert rows[2].strip(" |").strip("^") == "", "the third row is the carets"
    assert problems[0].message in caught.value.summary
