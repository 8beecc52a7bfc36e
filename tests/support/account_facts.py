"""The facts about accounts that hold at a moment, read from a store."""

from __future__ import annotations

from streams.counting.keys import country_name
from streams.judging.side_inputs.account_facts import FACT_KINDS, AccountFactStore, FactKind


def facts_at(store: AccountFactStore, tick_ms: int, upto: int | None = None) -> list[tuple[int, FactKind, str]]:
    """Return hash of the author, kind and scope of every fact at a tick, by the first `upto` offsets; None: by all."""
    active = store.active_at(tick_ms, store.upto if upto is None else upto)
    kinds, scopes = (FACT_KINDS[kind] for kind in active.kind.tolist()), map(country_name, active.scope.tolist())
    return sorted(zip(active.author.tolist(), kinds, scopes, strict=True))
