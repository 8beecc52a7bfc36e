"""Rights of a caller: grants of roles, each limited by country, category and longest duration. Pure but for requests.

A person may have several grants, one for each of their groups. A write needs one grant that covers it whole: a
moderator of India who is also legal officer of Germany cannot block in Germany.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from fastapi import Request

from moderation.access.keys import ALLOWED, Permission, Rights, Role
from moderation.access.problems import RefusedCall
from moderation.log.drafts import duration_ms
from streams.naming import format_duration


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Role with its limits."""

    role: Role
    rights: Rights = Rights()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Authenticated caller: a key, or a person with a session."""

    name: str
    """Name for limits and idempotency keys."""
    writes_as: str
    """Actor in every record that the caller writes."""
    grants: tuple[Grant, ...]
    acts_for_others: bool = False
    session: Annotated[str, "id of the browser session"] = ""

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles of the caller, each once."""
        return tuple(dict.fromkeys(grant.role for grant in self.grants))

    def may(self, permission: Permission) -> bool:
        """Return whether a grant has a permission."""
        return any(role in ALLOWED[permission] for role in self.roles)


def check_rights(
    request: Request,
    *,
    country: str | None = None,
    category: str | None = None,
    categories: Iterable[str] = (),
    lasts_ms: int | None = None,
    permission: Permission | None = None,
) -> None:
    """Check that one grant covers a write whole. Every route that writes calls it with what the write touches.

    Args:
        request: request, admitted already.
        country: country of the write; `*`: everywhere, which a limit to countries does not cover; None: none.
        category: category that the write names; "": all, which a limit to categories does not cover; None: none.
        categories: categories of the automated decisions that the write overrides.
        lasts_ms: duration of the write.
        permission: permission of the covering grant; None: the one of the route.

    Raises:
        RefusedCall: no grant covers it (403); the answer names the limit.
    """
    caller: Caller = request.state.caller
    permission = permission or request.state.permission
    touched = {*categories, *([] if category is None else [category])}
    limits = [
        _limit(grant.rights, country, touched, lasts_ms) for grant in caller.grants if grant.role in ALLOWED[permission]
    ]
    if all(limits):
        raise RefusedCall("beyond_rights", f"{caller.name}: {limits[0]}", "ask a colleague who has these rights")


def why_not_here(request: Request, country: str) -> str:
    """Say why the caller may not decide in a country; "" for callers who may."""
    try:
        check_rights(request, country=country)
    except RefusedCall as refused:
        return str(refused)
    return ""


def _limit(rights: Rights, country: str | None, touched: Iterable[str], lasts_ms: int | None) -> str:
    """Return the limit that a write exceeds; "" if it exceeds none."""
    if country is not None and rights.countries is not None and country not in rights.countries:
        where = "everywhere" if country == "*" else f"in {country}"
        return f"you may not decide {where}, only in {_listed(rights.countries)}"
    if rights.categories is not None:
        for name in sorted(set(touched) - set(rights.categories)):
            return f"you may not decide on {name or 'every category'}, only on {_listed(rights.categories)}"
    if lasts_ms is not None and rights.longest and lasts_ms > duration_ms(rights.longest) + 1_000:
        return f"you may decide for at most {format_duration(duration_ms(rights.longest))}"
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
