"""Facts about authors from orders and the speaker registry, as intervals of log time for the judges. Pure.

    hidden     in a country (withheld there) or in `*` (suspended): the author's entries leave the windows of that scope
    protected  in `*`: the author's entries leave numerator and denominator of the harmful share, and count as before

A fact is a half-open interval [from, to) of log time. It begins with the record that establishes it. It ends with the
record that revokes it, or at the expiry of an interim decision. Facts of several orders are separate, so ending one
leaves the others in force. The fold is a function of the log alone: every judge that reads the same records has the
same facts at the same tick.
"""

from __future__ import annotations

from hushtag_client.registers import ACCOUNT, WORLD

from streams.errors import ContractError
from streams.judging.side_inputs.account_facts import AccountFactStore, NewFact
from streams.log.moderation import OtherRecord, decode_moderation
from streams.orders.measures import Measures, TargetKey
from streams.orders.records import Speaker, decode_legal


class AccountFactFold:
    """Fold of the moderation log into a store of account facts. Records must be applied in order, each once."""

    def __init__(self, store: AccountFactStore) -> None:
        self.store = store
        self._measures = Measures()
        self._running: dict[TargetKey, int] = {}
        """Row number in the store of each fact that no record has ended."""
        self._last_ms = 0

    def apply_raw(self, offset: int, log_time_ms: int, key: bytes | None, value: bytes | None) -> None:
        """Decode and apply a record of the topic; one that breaks the contract is ignored."""
        try:
            record = decode_moderation(value, key, log_time_ms)
            if isinstance(record, OtherRecord):
                self.apply(record, offset, log_time_ms)
        except ContractError:  # the publish stage counts it
            pass
        self.store.upto = offset + 1

    def apply(self, record: OtherRecord, offset: int, log_time_ms: int) -> None:
        """Apply a record of the moderation topic.

        A log time below an earlier one is raised to it, so that no fact ends before it began.

        Raises:
            ContractError: the record breaks the contract; it changes nothing.
        """
        decoded = decode_legal(record)
        if decoded is None:
            return
        at_ms = self._last_ms = max(self._last_ms, log_time_ms)
        changes = self._measures.apply(decoded, offset)
        ended: list[int] = []
        begun: dict[TargetKey, NewFact] = {}
        if isinstance(decoded, Speaker):
            key = f"speaker:{decoded.account}", 0
            if decoded.removed:
                ended += self._ended(key)
            elif key not in self._running:
                begun[key] = NewFact(int(decoded.account), "protected", WORLD)
        for change in changes:
            ended += self._ended(change.key)
            after = change.after
            if after is not None and after.surfaces == (ACCOUNT,):
                begun[change.key] = NewFact(int(after.target), "hidden", after.country, after.expires_at_ms or None)
        first = self.store.add(offset, at_ms, ended, list(begun.values()))
        self._running.update(zip(begun, range(first, first + len(begun)), strict=True))

    def _ended(self, key: TargetKey) -> list[int]:
        row = self._running.pop(key, None)
        return [] if row is None else [row]
