"""Record of a published report in the `moderation` topic; the audit log has it from there. Pure.

It is written before the files appear, so that no published file lacks one. It holds their hashes, never their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import msgspec

from moderation.outward.report.prepared_report import Period
from moderation.publiclog.leaf_fields import PUBLICATION
from moderation.wording import iso_words
from streams.errors import ContractError
from streams.log.moderation import Id, Ms, OtherRecord, RecordCodec, Text

NAME = r"^transparency-[0-9-]{10}-to-[0-9-]{10}-(world|[A-Z]{2})(-edition-[0-9]{1,4})?$"
"""Names of publications, which are folders."""
FileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.-]{1,64}\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class ReportPublished(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=PUBLICATION):
    """One person's publication of a transparency report."""

    id: Id
    target: Annotated[str, msgspec.Meta(pattern=NAME.replace("$", r"\Z"))]
    """Name of the publication."""
    country: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|\*)\Z")]
    """Country of the report; `*`: all countries."""
    from_ms: Ms
    to_ms: Ms
    """Period [from_ms, to_ms) of the report."""
    made_at_ms: Ms
    """Moment of every state in the report."""
    edition: Annotated[int, msgspec.Meta(ge=1, le=9_999)] = 1
    """Number among the reports of this period and country."""
    correction: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    """Text about what a later edition corrects; "" in the first one."""
    files: Annotated[dict[FileName, Sha256], msgspec.Meta(min_length=1, max_length=20)]
    """SHA-256 of each file."""
    actor: Text
    reason: Text
    at_ms: Ms

    @property
    def period(self) -> Period:
        """Days and country of the report."""
        return Period(self.from_ms, self.to_ms, None if self.country == "*" else self.country)


_codec: RecordCodec[ReportPublished] = RecordCodec(
    ReportPublished, lambda record: f"report:{record.target}|report|{record.id}|*".encode()
)
encode_publication = _codec.encode
decode_publication = _codec.decode


def publications_in(others: Iterable[tuple[int, OtherRecord]]) -> list[ReportPublished]:
    """List the publications among the records of other folds, the newest first; malformed ones are left out.

    Two processes may write the same name at once: the first record in the log has it, and the others have no effect.
    """
    by_name: dict[str, ReportPublished] = {}
    for _, other in others:
        with suppress(ContractError):
            if (record := decode_publication(other)) is not None:
                by_name.setdefault(record.target, record)
    return list(by_name.values())[::-1]


def name_of(period: Period, edition: int = 1) -> str:
    """Name a publication by its days, country and edition.

    >>> name_of(Period(1_612_137_600_000, 1_614_556_800_000, "IN"), 2)
    'transparency-2021-02-01-to-2021-02-28-IN-edition-2'
    """
    first, last = iso_words(period.from_ms)[:10], iso_words(period.to_ms - 1)[:10]
    later = f"-edition-{edition}" if edition > 1 else ""
    return f"transparency-{first}-to-{last}-{period.country or 'world'}{later}"


def overlapping(period: Period, published: Iterable[ReportPublished]) -> list[ReportPublished]:
    """List the publications whose numbers and those of a period can be subtracted, which reveals small counts.

    They have a day in common, and the same country or one of them all countries.
    """
    return [
        earlier
        for earlier in published
        if earlier.from_ms < period.to_ms and period.from_ms < earlier.to_ms
        if None in (period.country, earlier.period.country) or period.country == earlier.period.country
    ]
