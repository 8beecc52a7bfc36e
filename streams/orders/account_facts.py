"""What orders and the registry say about authors, entered in a judge's book as intervals of log time. Pure.

    hidden     in a country (withheld there) or in `*` (suspended): the author's entries leave the windows of that scope
    protected  in `*`: the author's entries leave numerator and denominator of the harmful share, and count as before

A fact is an interval [from, to) of log time: it begins with the record that makes it so, and it ends with the record
that takes it back, or by itself where an interim decision runs out. Facts of several orders are kept apart, so that
ending one leaves the others. The fold is a function of the log alone: every judge that reads the same records has the
same facts at the same tick.
"""

from __future__ import annotations

from hushtag_client.registers import ACCOUNT, WORLD

from streams.errors import ContractError
from streams.judging.side_inputs.account_facts import Begin, FactBook
from streams.log.moderation import OtherRecord, decode_moderation
from streams.orders.measures import Key, Measures
from streams.orders.records import Speaker, decode_case


class AccountFacts:
    """Reads the moderation log into a book. Records must come in the order of their offsets, each once."""

    def __init__(self, book: FactBook) -> None:
        self.book = book
        self._measures = Measures()
        self._running: dict[Key, int] = {}
        """Row in the book of what has not been ended by a record."""
        self._last_ms = 0

    def take(self, offset: int, log_time_ms: int, key: bytes | None, value: bytes | None) -> None:
        """Take a record as the topic has it; one that breaks the contract counts for nothing, as everywhere."""
        try:
            record = decode_moderation(value, key)
            if isinstance(record, OtherRecord):
                self.apply(record, offset, log_time_ms)
        except ContractError:  # the publish stage counts it
            pass
        self.book.upto = offset + 1

    def apply(self, record: OtherRecord, offset: int, log_time_ms: int) -> None:
        """Take a record of the moderation topic.

        Log times that go back are taken as the latest before them, so that no fact ends before it began.

        Raises:
            ContractError: the record breaks the contract; it changes nothing.
        """
        said = decode_case(record)
        if said is None:
            return
        at_ms = self._last_ms = max(self._last_ms, log_time_ms)
        changes = self._measures.apply(said, offset)
        ended: list[int] = []
        begun: dict[Key, Begin] = {}
        if isinstance(said, Speaker):
            key = f"speaker:{said.account}", 0
            if said.removed:
                ended += self._ended(key)
            elif key not in self._running:
                begun[key] = Begin(int(said.account), "protected", WORLD)
        for change in changes:
            ended += self._ended(change.key)
            after = change.after
            if after is not None and after.surfaces == (ACCOUNT,):
                begun[change.key] = Begin(int(after.target), "hidden", after.country, after.expires_at_ms or None)
        first = self.book.enter(offset, at_ms, ended, list(begun.values()))
        self._running.update(zip(begun, range(first, first + len(begun)), strict=True))

    def _ended(self, key: Key) -> list[int]:
        row = self._running.pop(key, None)
        return [] if row is None else [row]
