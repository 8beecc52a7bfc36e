"""Rights to decide on cases."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request

from moderation.access.problems import RefusedCall
from moderation.access.rights import check_rights
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.records import CoveredItem


def check_case_rights(
    request: Request, case: HashtagCase, covers: Sequence[CoveredItem], *, lasts_ms: int | None
) -> None:
    """Check that the caller may decide on parts of a case.

    Args:
        request: request, admitted already.
        case: the case.
        covers: parts that the write covers.
        lasts_ms: duration of the resulting overrides; None: they have none.

    Raises:
        RefusedCall: no grant covers the country, the categories or the duration of a part (403).
    """
    names = {covered.item for covered in covers}
    categories = {case_item.item.category for case_item in case.items if case_item.item.id in names} - {""}
    for country in {covered.country for covered in covers}:
        check_rights(request, country=country, categories=categories, lasts_ms=lasts_ms)


def check_claim_rights(request: Request, case: HashtagCase) -> None:
    """Check that the caller may decide on the country of a part of a case, and so may claim it or hand it over.

    Raises:
        RefusedCall: no grant covers any of its countries (403).
    """
    countries = [case_item.item.country for case_item in case.items if case_item.is_open]
    refused = None
    for country in dict.fromkeys(countries):
        try:
            check_rights(request, country=country)
        except RefusedCall as refusal:
            refused = refusal
        else:
            return
    if refused is not None:
        raise refused
