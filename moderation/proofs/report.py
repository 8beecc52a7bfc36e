"""Transparency report against the published log: every entry opened, every number counted again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.audit.tlog.checkpoint import Checkpoint
from moderation.audit.tlog.cosignature import Cosignature
from moderation.audit.tlog.errors import ProofCode, ProofError
from moderation.audit.tlog.proof_checks import check_consistency
from moderation.proofs.history import PublishedHead, head_of, read_seen
from moderation.proofs.openings import OpeningsCount
from moderation.proofs.published import PublishedLog
from moderation.proofs.reading import member
from moderation.proofs.recount import Recounted, ReportPeriod, period_of, recount
from moderation.proofs.trust import Trust, trust_of
from moderation.proofs.whole import RootsAt, check_roots, entries_of


@dataclass(frozen=True, slots=True)
class VerifiedReport:
    """Report whose numbers are those of the log."""

    checkpoint: Checkpoint
    """Checkpoint that the report counts at."""
    cosigned_by: tuple[Cosignature, ...]
    head: PublishedHead
    """Checkpoint that is published now."""
    numbers: tuple[Recounted, ...]
    """Numbers that add up."""
    without_effect: int
    """Entries that the report leaves out as without effect; the log cannot show that."""
    period: ReportPeriod

    @property
    def as_of_seconds(self) -> int | None:
        """Time of the first cosignature, POSIX seconds: what the log received later is not counted. None: unknown."""
        return min((one.at_seconds for one in self.cosigned_by), default=None)

    @property
    def later_entries(self) -> int:
        """Entries of the published log after those that the report counts."""
        return self.head.checkpoint.size - self.checkpoint.size

    @property
    def period_over(self) -> bool | None:
        """Whether the report counts at a time after its period; None: unknown."""
        return None if self.as_of_seconds is None else self.as_of_seconds * 1000 >= self.period.to_ms

    def as_dict(self) -> dict[str, Any]:
        """Convert the answer to plain JSON."""
        return {
            "log": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "published_size": self.head.checkpoint.size,
            "cosigned_by": [one.witness for one in self.cosigned_by],
            "numbers": {one.number: one.value for one in self.numbers},
            "without_effect": self.without_effect,
            "days": None if self.period.days is None else list(self.period.days),
            "as_of_seconds": self.as_of_seconds,
            "later_entries": self.later_entries,
            "period_over": self.period_over,
        }


def verify_report(
    report: Mapping[str, Any],
    openings: Iterable[str | bytes],
    log: PublishedLog,
    log_key: str | Sequence[str],
    witness_keys: Sequence[str],
    quorum: int | None = None,
    seen: str | None = None,
) -> VerifiedReport:
    """Verify a transparency report, within bounded memory.

    Args:
        report: the report.
        openings: lines of its openings.
        log: the published log.
        log_key: public key of the log; several after a change of keys.
        witness_keys: public keys of witnesses.
        quorum: number of witnesses that must have cosigned; None: all.
        seen: last signed checkpoint that this checker saw.

    Raises:
        ProofError: Report, openings or log do not verify.
        CallerMistake: A key or the quorum cannot be used.
    """
    return verify_report_with(report, openings, log, trust_of(log_key, witness_keys, quorum), seen)


def verify_report_with(
    report: Mapping[str, Any],
    openings: Iterable[str | bytes],
    log: PublishedLog,
    trust: Trust,
    seen: str | None = None,
) -> VerifiedReport:
    """Verify a report with keys that are read already; see `verify_report`."""
    section = member(report, "log", dict, "the report")
    checkpoint, cosigned_by = trust.open(member(section, "checkpoint", str, "the report's section 'log'"))
    size = member(section, "size", int, "the report's section 'log'")
    if size != checkpoint.size:
        raise ProofError(
            ProofCode.wrong_number,
            f"the report counts {size} entries, but its checkpoint has {checkpoint.size}",
            "do not rely on the report's numbers",
            field="log.size",
        )
    head = head_of(log, trust)
    earlier = [checkpoint] if seen is None else [read_seen(seen, trust), checkpoint]
    for one in earlier:
        if one.size >= head.checkpoint.size:
            check_consistency(one.size, one.root, head.checkpoint.size, head.checkpoint.root, [])
    roots = RootsAt([head.checkpoint.size, *(one.size for one in earlier)])
    counted = OpeningsCount(openings)
    done = 0
    for entries in entries_of(log, head.checkpoint, roots):
        counted.add(entries[: max(size - done, 0)])
        done += len(entries)
    check_roots(roots.found, head.checkpoint, earlier)
    counted.finish()
    numbers = recount(report, section, counted.counts)
    without = sum(section["without_effect"].values()) if numbers else 0
    return VerifiedReport(checkpoint, cosigned_by, head, tuple(numbers), without, period_of(report))
