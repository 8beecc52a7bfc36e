"""Whether this worker's policy file goes live, and the record that makes it live. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from streams.constants import PANE_MS
from streams.log.policies import ModelChange, PolicyRecord, PolicyTopic
from streams.policy import Policy
from streams.policy.diff import differences
from streams.policy.proposal import PolicyNote, needs_restart, should_propose


@dataclass(frozen=True, slots=True)
class Comparison:
    """A policy file compared with the live policy and the live model."""

    policy: Policy
    live: PolicyRecord | None
    model: str
    """Revision of the model that goes live with the file."""
    is_proposed: bool
    """Whether the file is a new policy, and not only a new model for the live one."""
    publishes: bool
    """Whether a record is published."""
    verdict: str
    """Verdict for the worker's report; see `WorkerReport`."""
    why: str
    sequence: int = -1
    """Offset of the live record; -1: none."""


def compare(policy: Policy, topic: PolicyTopic, *, model: str, began_hours: int, first: bool) -> Comparison:
    """Compare a policy file with the live policy.

    Args:
        policy: policy of the worker's file.
        topic: content of the `policy` topic.
        model: revision of the model to go live with the file.
        began_hours: `max_automated_hours` of the policy that this worker started with.
        first: whether the worker is starting: only then may it replace a live model that cannot be loaded.
    """
    live = topic.live
    proposal = should_propose(policy, topic.live_activation)
    other_model = live is not None and live.model_revision != model
    publishes = bool(proposal) or (first and proposal.verdict == "same" and other_model)
    verdict, why = str(proposal.verdict), proposal.message
    if live is not None and verdict == "same" and not publishes:
        reasons = list(needs_restart(began_hours, Policy.from_canonical(live.policy)))
        if reasons:
            verdict, why = "restart", "; ".join(reasons)
    return Comparison(policy, live, model, bool(proposal), publishes, verdict, why, topic.sequence)


def record_to_publish(
    comparison: Comparison, *, newest_ms: int, at_ms: int, worker: str, text: str, note: PolicyNote | None
) -> PolicyRecord:
    """Return the record with which a file, or another model for the live policy, goes live.

    Args:
        comparison: result of `compare`, which found that the worker publishes.
        newest_ms: the greatest log time of a tweet; the record takes effect from the pane after it.
        at_ms: time of the proposal.
        worker: name of the worker that proposes.
        text: the content of the file.
        note: actor and reason of the change; None: not given.
    """
    policy, live = comparison.policy, comparison.live
    if live is not None and not comparison.is_proposed:
        record = live
    else:
        record = PolicyRecord(
            revision=policy.revision,
            serial=policy.serial,
            policy=policy.canonical,
            model_revision="",
            from_tick_ms=0,
            proposed_at_ms=at_ms,
            proposed_by=worker,
            text=text,
            actor=note.actor if note else "",
            reason=note.reason if note else "",
            changes=tuple(differences(Policy.from_canonical(live.policy), policy)) if live else (),
        )
    change = None
    if live is not None and live.model_revision != comparison.model:
        change = ModelChange(before=live.model_revision, actor=worker, reason="the previous model could not be loaded")
    return replace(
        record,
        model_revision=comparison.model,
        from_tick_ms=0 if live is None else (newest_ms // PANE_MS + 1) * PANE_MS,
        model_change=change,
        before=comparison.sequence,
    )
