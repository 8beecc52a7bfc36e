"""A tour of every room that reads the signal registry, with a signal named `toy` from another folder.

    python -m tests.support.toy_signal FOLDER

`FOLDER` holds the module of the signal. It is added to the package of signals before anything reads the registry, so
this needs a new process. The findings are printed as JSON.
"""

from __future__ import annotations

import json
import sys

import streams.signals

POLICY = """\
serial: 1
windows: [2m, 20m]
categories:
  abuse:
    mode: suppress
    min_tweets: 20
    min_authors: 10
    suppress_at: 0.4
    clear_at: 0.3
    corroborate:
      need: 1
      toy: 0.5
"""


def main() -> None:
    import numpy as np

    from moderation.domain.restrictions.answers import restriction_answer
    from moderation.domain.restrictions.collection import decision_restrictions
    from moderation.outward.statements.text import user_text
    from streams.backtest import Impact
    from streams.backtest.coverage import needs_replay
    from streams.counting.keys import Tags
    from streams.explain.flag_text import reason_in_words
    from streams.explain.signal_report import signal_reports
    from streams.judging.evidence import tabulate
    from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of, table_of
    from streams.judging.levels import levels
    from streams.judging.standing import StandingKeys
    from streams.log.decisions import Decision, ScopeDecision, decode_record, encode_record, version_of
    from streams.log.evidence import decode_evidence_record, encode_evidence_record
    from streams.policy import parse_policy
    from streams.policy.places import PolicyLines
    from streams.policy.schema import policy_schema
    from streams.windows.window import AuthorSample

    policy = parse_policy(POLICY, "toy.yaml")
    tags, n = Tags(), 40
    sample = AuthorSample(
        np.zeros(n, np.int64),
        np.arange(n, dtype=np.uint64),
        np.arange(n),
        np.arange(n),
        np.where(np.arange(n) < 32, 7, 400).astype(np.int32),
        np.zeros(n, np.uint8),
        np.arange(1, n + 1, dtype=np.uint32),
        np.full((n, 2), 0.95, np.float32),
        np.ones(n),
        np.zeros(n, bool),
    )
    table = tabulate(
        120_000, np.array([tags.key("tag", "*")]), np.array([60]), sample, 2,
        standing=StandingKeys(30, 0.25), earlier=lambda some: np.full(len(some.group), -1), burst_min_past=50,
    )  # fmt: skip

    conditions = conditions_of(policy, shards=1, categories=("abuse",), model_revision="0" * 12)
    records = [
        decode_evidence_record(encode_evidence_record(record))
        for at in range(1, 4)
        for record in records_of(TickEvidence(at * 10_000, conditions, False, {120_000: table}), 0, tags)
    ]

    judged = levels(table, policy.rule("abuse", "trends", "*"), 1, np.zeros(1, bool), 0.95)
    decision = Decision(
        hashtag="tag", display="Tag", country="*", version=version_of(1, 10_000),
        tick_ms=10_000, settled_ms=10_000, decided_at_ms=0,
        policy_revision=policy.revision, model_revision="0" * 12,
        rulings=(ScopeDecision(category="abuse", surface="trends", action="suppress", since_ms=10_000,
                               expires_at_ms=20_000, reasons=judged.reasons(0), evidence=judged.evidence(0)),),
    )  # fmt: skip
    decoded = decode_record(encode_record(decision))
    assert isinstance(decoded, Decision)
    [restriction] = decision_restrictions(decoded)

    without = parse_policy(POLICY.replace("toy: 0.5", "authors: 1000"), "live.yaml")
    impact = Impact(without, policy)
    for record in records:
        impact.add(record)
    other = parse_policy(POLICY.replace("serial: 1", "serial: 1\nyoung_days: 99"), "other.yaml")

    corroborate = policy_schema()["$defs"]["Corroborate"]["properties"]
    [report] = [one for one in signal_reports({120_000: records[0]}, "tag", "*", policy, PolicyLines(policy, POLICY))
                if one.surface == "trends"]  # fmt: skip
    [shown] = [one for one in report.signals if one.signal == "toy"]
    [reason] = [one for one in decoded.rulings[0].reasons if one.signal == "toy"]
    findings = {
        "schema": corroborate["toy"],
        "most_needed": corroborate["need"]["maximum"],
        "evidence": table.signals["toy"].tolist(),
        "round_trip": table_of(records[:1], Tags()).signals["toy"].tolist(),
        "decision": json.loads(encode_record(decision))["rulings"][0]["evidence"]["toy"],
        "reason": [reason.value, reason.threshold],
        "explain": [shown.value, shown.threshold, shown.passed, shown.line, shown.source],
        "page": reason_in_words(reason, {}).signal,
        "backtest": [(one.kind, one.hashtag) for one in impact.finish().changes],
        "coverage": sorted({reason for found in needs_replay(other, [conditions]).values() for reason in found}),
        "statement": user_text(restriction, "en"),
        "statement_evidence": restriction_answer(restriction).members()["evidence"]["toy"],
    }
    print(json.dumps(findings))


if __name__ == "__main__":
    streams.signals.__path__.append(sys.argv[1])
    main()
