"""Present state of each distinct account, hashtag and tweet, over all orders and suspensions. Pure.

Several orders may name one account, and a suspension outlives its order. The state is therefore not that of one order:
it is resolved from all registers in force, by the functions with which surfaces resolve them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hushtag_client.registers import ACCOUNT, HIDING, TWEET, WORLD, Register
from hushtag_client.resolution import candidates, restriction, winner

from streams.flags.moderation_fold import ModerationFold
from streams.orders.records import TargetKind


@dataclass(frozen=True, slots=True)
class TargetState:
    """State of one target. A target that is neither suspended nor held back in a country is visible."""

    suspended: bool = False
    """Whether it is hidden in all countries, under the platform's own rules."""
    countries: frozenset[str] = frozenset()
    """Countries where an order withholds it, or reduces a hashtag on a surface; empty for a suspended account."""

    @property
    def visible(self) -> bool:
        """Whether it is restricted nowhere."""
        return not self.suspended and not self.countries


class TargetStates:
    """States of all targets at one moment.

    Args:
        registers: registers of people and orders, as they are at the moment.
        at_ms: the moment; no record of the log may be later.
    """

    def __init__(self, registers: Iterable[Register], at_ms: int) -> None:
        self.at_ms = at_ms
        self._by_name: dict[tuple[str, str], list[Register]] = defaultdict(list)
        """Registers by (kind of target, name)."""
        kinds: dict[str, TargetKind] = {ACCOUNT: "account", TWEET: "tweet"}
        for register in registers:
            self._by_name[kinds.get(register.surface, "hashtag"), register.hashtag].append(register)

    def of(self, kind: TargetKind, name: str) -> TargetState:
        """Resolve the state of one target by its kind and its id or normalised hashtag."""
        registers = self._by_name.get((kind, name), [])
        if kind == "hashtag":
            return TargetState(countries=frozenset(self._reduced(registers)))
        everywhere = restriction(candidates(registers, WORLD), self.at_ms)
        if everywhere is not None and everywhere.source == "human":
            return TargetState(suspended=True)
        countries = {register.country for register in registers} - {WORLD}
        return TargetState(
            countries=frozenset(
                country for country in countries if restriction(candidates(registers, country), self.at_ms)
            )
        )

    def hidden_in(self, kind: TargetKind, name: str, author: str = "", *, besides: str) -> tuple[str, ...]:
        """List the countries besides one whose viewers do not see an account or a tweet; `*` alone: all countries.

        A suspended or withheld account hides its tweets too.

        Args:
            kind: kind of the target.
            name: id of the target.
            author: account id of a tweet's author; "" if unknown.
            besides: country to leave out; `*` for a suspension, which leaves none.
        """
        states = [self.of(kind, name), *([self.of("account", author)] if author else [])]
        if besides == WORLD:
            return ()
        if any(state.suspended for state in states):
            return (WORLD,)
        return tuple(sorted(frozenset().union(*(state.countries for state in states)) - {besides}))

    def _reduced(self, registers: Sequence[Register]) -> Iterator[str]:
        """List the countries where an order decides that a surface hides the hashtag."""
        for surface, country in {(register.surface, register.country) for register in registers}:
            here = [register for register in registers if register.surface == surface]
            decides = winner(candidates(here, country), (), self.at_ms, people_only=True)
            if decides is not None and decides.source == "legal" and decides.action in HIDING:
                yield country


def target_states(fold: ModerationFold, at_ms: int, names: Container[str] | None = None) -> TargetStates:
    """Resolve the states of targets at a moment that no record of the fold is later than; `names` None: of all."""
    return TargetStates(fold.registers_at(at_ms, names), at_ms)
