"""What is in force in one shard, and how a settled tick or an early look changes it.

Settled rulings come from settled evidence and the valves alone; early ones are laid over them, and answered, confirmed
or withdrawn, when their tick settles. This knows evidence, policy and what was said before; not where they come from.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from streams.counting.keys import Tags, country_of
from streams.judging.campaigns import Campaign, campaign_of
from streams.judging.circuit_breakers import (
    NO_MODEL,
    Begun,
    Crowd,
    ShardValves,
    greatest_lower,
    hides_anywhere,
    newly_hiding,
    refused,
    rule_under_valve,
    scorer_fault,
)
from streams.judging.curated_terms import CuratedTags
from streams.judging.evidence import EvidenceTable, Ints
from streams.judging.hysteresis import decide, decide_early
from streams.judging.key_state import KeyState, Scope, greatest
from streams.judging.levels import BETWEEN
from streams.judging.rule_evaluation import Docket
from streams.log.decisions import HIDING, SAY_AGAIN_MS, Decision, Reason, Ruling
from streams.policy import Policy


@dataclass(slots=True)
class Changes:
    """What a settled tick has changed."""

    keys: list[int] = field(default_factory=list)
    """Ascending: readers must be told of these."""
    confirmed: int = 0
    withdrawn: int = 0
    refused: list[Reason] = field(default_factory=list)
    """Valves that turned a decision into a review."""
    scorer_fault: Reason | None = None
    campaigns: list[Campaign] = field(default_factory=list)
    """Tags that are hidden, for longer, or no more: other shards must be told of their authors."""


class Rulings:
    """The states of a shard's keys.

    Args:
        columns: score column by category.
        shards: how many judges there are.
    """

    def __init__(self, tags: Tags, columns: Mapping[str, int], shards: int) -> None:
        self.states: dict[int, KeyState] = {}
        self._tags = tags
        self._columns = columns
        self._valves = ShardValves(shards)
        self._policy: Policy | None = None
        self._fault: Reason | None = None
        self._curated: CuratedTags | None = None

    @property
    def policy(self) -> Policy:
        """In force."""
        assert self._policy is not None, "nothing is decided before a policy is in force"
        return self._policy

    def follow(self, policy: Policy) -> None:
        """Another policy from now on."""
        self._policy, self._curated = policy, CuratedTags(policy, self._tags)

    def settle(
        self, tables: Mapping[int, EvidenceTable], tick_ms: int, *, holding: bool, blind: bool = False
    ) -> Changes:
        """Judge every key that is over or has a state.

        Args:
            tables: settled evidence by window, in milliseconds.
            tick_ms: end of the tick.
            holding: a gap of the log is in the windows: nothing clears.
            blind: the model in force is not to be had.
        """
        policy = self.policy
        self.stand_by(tables.get(policy.windows_ms[0]), blind=blind)
        changes = Changes(scorer_fault=self._fault)
        docket = Docket(policy, self._columns, tables, self._curated_of(policy), blind=self._fault is not None)
        before: dict[int, dict[Scope, Ruling]] = {}
        changed: set[int] = set()
        for key in sorted(docket.over() | set(self.states)):
            state = self.states.setdefault(key, KeyState())
            if tick_ms <= state.decided_ms:
                continue
            before[key] = dict(state.settled)
            if self._decide_settled(docket, key, state, tick_ms, holding=holding):
                changed.add(key)
        self._pass_valves(tables, before, changed, tick_ms, changes)
        if policy.asks_for_successors:
            changes.campaigns = self._campaigns(docket, before, tick_ms)
        for key in before:
            if self._answer_early(docket, key, self.states[key], tick_ms, changes) or key in changed:
                changes.keys.append(key)
        return changes

    def stand_by(self, table: EvidenceTable | None, *, blind: bool) -> None:
        """The dead-man's rule, which holds for early looks until the next tick settles.

        Args:
            table: settled evidence of the shortest window.
            blind: the model in force is not to be had.
        """
        self._fault = NO_MODEL if blind else scorer_fault(self.policy.valves, table)

    def drop_empty(self, tick_ms: int) -> None:
        """Forget keys of which nothing is in force, once readers have been told of this tick."""
        self.states = {
            key: state for key, state in self.states.items() if not state.empty or tick_ms <= state.decided_ms
        }

    def look(
        self,
        policy: Policy,
        table: EvidenceTable,
        busy: tuple[Ints, Ints],
        tick_ms: int,
        *,
        version: str,
        settled_ms: int,
    ) -> list[int]:
        """What is over at the early confidence is hidden at once, provisionally; returns the keys.

        Args:
            policy: under which the look's tick will settle; not in force yet where it is new.
            busy: (n,) all keys that are busy, of which the biggest are told, and (n,) their tweets.
            version: of what is said now; a predecessor may have said it.
            settled_ms: end of the last settled tick.
        """
        blind = self._fault is not None
        curated = self._curated_of(policy)
        docket = Docket(policy, self._columns, {table.window_ms: table}, curated, early=True, blind=blind)
        said: list[int] = []
        crowd = Crowd(*busy, self._hides, policy.valves.top_tags)
        for key in sorted(docket.over()):
            state = self.states.setdefault(key, KeyState())
            if version <= state.said:
                continue
            found = self._found_early(policy, docket, key, state, tick_ms)
            hashtag, country = self._tags.name(key), country_of(key)
            if found and self._valves.admit_early(policy.valves, tick_ms, hashtag, country, key, crowd):
                state.early.update(found)
                said.append(key)
            elif state.empty and state.decided_ms <= settled_ms:
                del self.states[key]
        return said

    def _hides(self, key: int) -> bool:
        """Settled or early."""
        state = self.states.get(key)
        return state is not None and hides_anywhere((*state.settled.values(), *state.early.values()))

    def recover(self, decisions: Sequence[Decision], settled_ms: int) -> None:
        """Go on where a predecessor was whose last progress was at `settled_ms`."""
        self._valves.recover(decisions, settled_ms)
        for decision in greatest(decisions):
            self.states[self._tags.key(decision.hashtag, decision.country)] = KeyState.read_back(decision)

    def adopt(self, decision: Decision) -> None:
        """Answer, when its tick has settled, for what a worker said early that has lost this shard to us."""
        if decision.provisional:
            self.states.setdefault(self._tags.key(decision.hashtag, decision.country), KeyState()).adopt(decision)

    def forget_terms(self, used: Container[int]) -> None:
        """Drop what is known of hashtags whose numbers are not used any more."""
        if self._curated is not None:
            self._curated.forget(used)

    def _found_early(
        self, policy: Policy, docket: Docket, key: int, state: KeyState, tick_ms: int
    ) -> dict[Scope, Ruling]:
        never = policy.is_never_suppressed(self._tags.name(key))
        found: dict[Scope, Ruling] = {}
        for scope in docket.scopes():
            if scope in state.early or scope in state.barred:
                continue
            ruling = decide_early(
                docket.standing(key, scope),
                state.settled.get(scope),
                docket.rule(key, scope),
                tick_ms,
                category=scope[0],
                surface=scope[1],
                never=never,
            )
            if ruling is not None:
                found[scope] = ruling
        return found

    def _decide_settled(self, docket: Docket, key: int, state: KeyState, tick_ms: int, *, holding: bool) -> bool:
        """Move every settled ruling of a key; returns whether a reader must be told."""
        changed = False
        never = self.policy.is_never_suppressed(self._tags.name(key))
        scopes = docket.scopes()
        for scope in [*scopes, *(scope for scope in list(state.settled) if scope not in scopes)]:
            before = state.settled.get(scope)
            if scope in scopes:
                after = decide(
                    docket.standing(key, scope),
                    before,
                    rule_under_valve(docket.rule(key, scope), before),
                    tick_ms,
                    category=scope[0],
                    surface=scope[1],
                    never=never,
                    max_automated_ms=self.policy.max_automated_ms,
                    holding=holding,
                    gone=before is not None and before.lapsed and docket.gone(key, scope),
                )
            else:  # the policy no longer has it
                after = None
            if after is before:
                changed |= before is not None and before.lapsed and _is_said_again(before, tick_ms)
                continue
            if after is None:
                del state.settled[scope]
                changed |= before is not None and (before.action != "clear" or before.lapsed)
            else:
                state.settled[scope] = after
                changed = True
        return changed

    def _pass_valves(
        self,
        tables: Mapping[int, EvidenceTable],
        before: Mapping[int, dict[Scope, Ruling]],
        changed: set[int],
        tick_ms: int,
        changes: Changes,
    ) -> None:
        """Turn what is past a valve into reviews."""
        begun = [
            Begun(key, self._tags.name(key), country_of(key), greatest_lower(new.values()))
            for key in sorted(changed)
            if (new := newly_hiding(before[key], self.states[key].settled))
        ]
        if not begun:
            return
        table = tables[self.policy.windows_ms[0]]

        def hides(key: int) -> bool:
            state = self.states.get(key)
            if state is not None and tick_ms <= state.decided_ms:
                return self._valves.hid(self._tags.name(key), country_of(key), tick_ms)
            rulings = before.get(key, {} if state is None else state.settled)
            return hides_anywhere(rulings.values())

        crowd = Crowd(table.keys, table.tweets, hides, self.policy.valves.top_tags)
        for key, valve in self._valves.admit(self.policy.valves, tick_ms, begun, crowd).items():
            state = self.states[key]
            state.settled.update(refused(before[key], state.settled, valve))
            changes.refused.append(valve)

    def _campaigns(self, docket: Docket, before: Mapping[int, dict[Scope, Ruling]], tick_ms: int) -> list[Campaign]:
        """What other shards must be told of."""
        found = []
        for key, rulings in before.items():
            after = self.states[key].settled
            if rulings or after:
                goes_on = partial(_goes_on, docket, key)
                found.append(campaign_of(key, rulings, after, tick_ms, goes_on))
        return [one for one in found if one is not None]

    def _answer_early(self, docket: Docket, key: int, state: KeyState, tick_ms: int, changes: Changes) -> bool:
        """Confirm or withdraw the early rulings whose tick has settled; lift bars that are over."""
        changed = False
        for scope, ruling in list(state.early.items()):
            settled = state.settled.get(scope)
            if settled is not None and settled.action != "clear":
                del state.early[scope]
                if settled.action in HIDING:
                    changes.confirmed += 1
                else:  # past a valve; no bar is needed, and a successor that knows of no early one says the same
                    changes.withdrawn += 1
                changed = True
            elif tick_ms >= ruling.since_ms:
                del state.early[scope]
                state.barred[scope] = replace(
                    ruling, action="clear", since_ms=tick_ms, expires_at_ms=0, reasons=(), evidence=None
                )
                changes.withdrawn += 1
                changed = True
        for scope, ruling in list(state.barred.items()):
            if scope not in docket.scopes() or tick_ms - ruling.since_ms >= docket.rule(key, scope).dwell_ms:
                del state.barred[scope]
        return changed

    def _curated_of(self, policy: Policy) -> CuratedTags:
        """A policy that is only looked at ahead compares anew."""
        known = self._curated if policy is self._policy else None
        return CuratedTags(policy, self._tags) if known is None else known


def _is_said_again(lapsed: Ruling, tick_ms: int) -> bool:
    """A lapsed ruling bars the next for as long as its tag is not under: longer, maybe, than a decision is kept."""
    return tick_ms > lapsed.since_ms and (tick_ms - lapsed.since_ms) % SAY_AGAIN_MS == 0


def _goes_on(docket: Docket, key: int, scope: Scope) -> bool:
    return scope in docket.scopes() and docket.standing(key, scope).level >= BETWEEN
