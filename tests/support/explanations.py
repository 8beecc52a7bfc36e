"""Decisions, overrides, evidence and policies of an invented hashtag `tag`, for tests of explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hushtag_client.registers import Register

from models.languages import GROUPS, READ
from models.share import Scale, plain
from streams.counting.block_counts import MAX_GROUPS
from streams.counting.keys import Tags
from streams.explain.evidence_report import EvidenceReport
from streams.explain.hashtag_report import HashtagReport
from streams.explain.signal_report import SignalReport, signal_reports
from streams.explain.sources import gather_evidence
from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import OverrideHistory
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, ScopeDecision, version_of
from streams.log.evidence import EvidenceRecord, encode_evidence_record
from streams.log.moderation import Override, Undo, encode_moderation
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.policy import Policy, parse_policy
from streams.policy.places import PolicyLines
from streams.settings import Settings
from tests.support.evidence import evidence_table
from tests.support.shells import Topics

NOW_MS = 1_000_000
SHORT, LONG = 120_000, 1_200_000
POLICY_TEXT = """\
serial: 1
windows: [2m, 20m]
categories:
  hateful_conduct:
    mode: suppress
    min_tweets: 20
    min_authors: 10
    suppress_at: 0.4   # ours
    clear_at: 0.3
    corroborate: {need: 1, burst: 2, authors: 100, term: true}
    overrides:
      - {country: IN, suppress_at: 0.6}
      - surface: search
        corroborate:
          need: 1
          young: 0.5
curated_terms: [{term: bad}]
valves: {new_suppressions_per_hour: 16}
"""
POLICY = parse_policy(POLICY_TEXT, "policy.yaml")
OVER = {"tweets": 60, "share": 0.9}
CALM = {"tweets": 60, "share": 0.05}

_PLAIN = plain(2)
IN_LANGUAGES = Scale(np.repeat(_PLAIN.moments, len(READ), axis=0), np.repeat(_PLAIN.errors, len(READ), axis=0))
"""Scale on which scores are harmful shares, in each language that the model reads."""
UNREAD_TAG = {"authors": 64, "scored": 12, "established": 40, "unread": 52, "established_unread": 33}
"""Columns of a tag most of whose texts the model does not read."""

PLACES = PolicyLines(POLICY, POLICY_TEXT)

EVIDENCE = Evidence(
    window_ms=600_000, tweets=90, authors=40, scored=38, share=0.6, lower=0.5, upper=0.7, looked=20, stage_2="s2"
)  # fmt: skip


def scope(surface: str = "trends", action: Action = "suppress", expires_at_ms: int = 2 * NOW_MS) -> ScopeDecision:
    return ScopeDecision(
        category="hateful_conduct",
        surface=surface,
        action=action,
        since_ms=1,
        expires_at_ms=0 if action == "clear" else expires_at_ms,
        reasons=(DecisionReason("harmful_share_lower", 0.5, 0.35),),
        evidence=EVIDENCE,
    )


def decision(
    number: int, *scopes: ScopeDecision, country: str = "*", provisional: bool = False, tag: str = "tag",
    policy_revision: str = "p1",
) -> Decision:  # fmt: skip
    return Decision(
        hashtag=tag, display="Tag", country=country, rulings=scopes, version=version_of(number, number * 10),
        tick_ms=number * 10, settled_ms=number * 10, decided_at_ms=number * 10, provisional=provisional,
        policy_revision=policy_revision, model_revision="m1",
    )  # fmt: skip


def override(ident: str, action: str, **changes: object) -> Override:
    fields: dict[str, object] = {
        "id": ident, "hashtag": "tag", "display": "Tag", "country": "*", "surfaces": ("trends",),
        "actor": "ann", "reason": "news", "at_ms": 500, "action": action, "expires_at_ms": 2 * NOW_MS,
    }  # fmt: skip
    return Override(**(fields | changes))  # type: ignore[arg-type]


def history(*records: Override | Undo) -> OverrideHistory:
    found = OverrideHistory()
    for offset, record in enumerate(records):
        value, key = encode_moderation(record)
        found.apply(offset, key, value)
    return found


def registers_of(decisions: Sequence[Decision], people: OverrideHistory) -> list[Register]:
    fold = DecisionFold(longest_expiry_ms=1, max_broker_skew_ms=0)
    for one in decisions:
        fold.apply(one)
    return [*fold.registers(), *people.fold.registers()]


def report(*decisions: Decision, now_ms: int = NOW_MS) -> HashtagReport:
    """Return a report by decisions alone."""
    return HashtagReport("tag", decisions, OverrideHistory(), None, now_ms)


def tick(
    tick_ms: int, rows: Mapping[int, Mapping[str, Mapping[str, float]]], policy: Policy = POLICY
) -> list[EvidenceRecord]:
    """Return the evidence of a settled tick, by window and hashtag."""
    tags, tables = Tags(), {}
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    for window_ms, of_window in rows.items():
        m = len(of_window)
        signals = {"young": np.full(m, 0.6), "burst": np.full(m, 3.0)}
        tables[window_ms] = evidence_table(
            window_ms,
            keys=np.array([tags.key(name, "*") for name in of_window], np.int64),
            tweets=np.array([row["tweets"] for row in of_window.values()], np.int64),
            scored=np.array([row.get("scored", 50) for row in of_window.values()], np.int64),
            share=np.array([[row["share"]] * 2 for row in of_window.values()]).reshape(m, 2),
            **signals,
        )
    return records_of(TickEvidence(tick_ms, conditions, False, tables), 0, tags)


def tag_records(
    *ticks: Mapping[str, float], tag: str = "tag", policy: Policy = POLICY, past: int = 0, scale: Scale | None = None
) -> list[EvidenceRecord]:
    """Return evidence of one tag in the world, one record a tick, whose values are over unless given.

    Args:
        ticks: values by column; `established` and `established_share` give a part of the authors. `unread` counts
            sampled authors in Tamil, and `established_unread` the established ones of them; they need a scale.
        past: number of established authors in its past, who wrote no harm.
        scale: meaning of the scores; None: they are harmful shares.
    """
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12, scale=scale)
    found = []
    for at, given in enumerate(ticks, 1):
        tags = Tags()
        one = {"tweets": 60, "authors": 50, "scored": 50, "share": 0.9, "burst": 3.0, "young": 0.1} | given
        own, own_share = int(one.pop("established", one["authors"])), one.pop("established_share", one["share"])
        established_unread = one.pop("established_unread", 0)
        columns: dict[str, object] = {name: np.array([value]) for name, value in one.items()}
        columns |= {"keys": np.array([tags.key(tag, "*")]), "share": np.array([[one["share"]] * 2])}
        scored = round(one["scored"] * own / max(1, one["authors"]))
        columns["scale"] = scale
        columns |= _by_language(scale, int(one["scored"]), int(one.get("unread", 0)))
        columns["established"] = AuthorGroup(
            np.array([own]), np.array([scored]), np.array([[own_share] * 2]), None, scale,
            **_by_language(scale, scored, int(established_unread)),
        )  # fmt: skip
        if past:
            columns["past"] = AuthorGroup(
                np.array([past]), np.array([min(past, 64)]), np.zeros((1, 2)), None, scale,
                **_by_language(scale, min(past, 64), 0),
            )  # fmt: skip
        table = evidence_table(SHORT, **columns)
        found += records_of(TickEvidence(at * 10_000, conditions, False, {SHORT: table}), 0, tags)
    return found


def _by_language(scale: Scale | None, scored: int, unread: int) -> dict[str, object]:
    """Return columns of one row: all scored texts in English, all unread ones in Tamil."""
    if scale is None:
        return {}
    return {
        "groups": np.array([[scored, *(0,) * (scale.n_groups - 1)]]),
        "unread": np.array([[unread * (group == GROUPS.index("ta")) for group in range(MAX_GROUPS)]]),
    }


def signal_report(
    surface: str = "trends",
    *,
    past: int = 0,
    policy: Policy = POLICY,
    scale: Scale | None = None,
    **given: float,
) -> SignalReport:
    """Return the report of the tag under the rule of a surface; see `tag_records`."""
    (record,) = tag_records(given, past=past, policy=policy, scale=scale)
    found = signal_reports({SHORT: record}, "tag", "*", policy, PLACES)
    (one,) = [one for one in found if one.surface == surface]
    return one


class EvidenceTopics:
    """Topics in memory with a live policy and the evidence of some ticks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topics = Topics()
        self.activate(POLICY_TEXT)
        for module in ("explain.sources", "log.reading", "log.policies", "log.models"):
            monkeypatch.setattr(f"streams.{module}.LogReader", self.topics.reader)

    def activate(self, text: str, from_tick_ms: int = 0) -> Policy:
        """Put a policy live."""
        policy = parse_policy(text, "policy.yaml")
        record = PolicyRecord(
            revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision="0" * 12,
            from_tick_ms=from_tick_ms, proposed_at_ms=0, proposed_by="w", text=text,
        )  # fmt: skip
        self.topics.append("policy", 0, encode_policy_record(record), key=policy.revision.encode())
        return policy

    def write(self, *records: EvidenceRecord) -> None:
        """Write evidence, each record as its tick settles."""
        for record in records:
            self.topics.now_ms = record.tick_ms
            self.topics.append("hashtag-evidence", 0, encode_evidence_record(record))

    async def read(self, at_ms: int, *countries: str) -> EvidenceReport:
        return await gather_evidence(Settings(), "tag", countries or ("*",), at_ms)
