"""What others have written into our own partition of the decisions, seen as gaps in the offsets of our own records.

A worker that was paused past its session wakes up and may still say something early, after its successor has read the
decisions back. Nobody would answer for it: the successor never looks at it, and it would stand until it runs out. But
whoever judges a shard is the only one who writes there, so its acknowledged offsets follow each other without a gap;
where they do not, somebody else has spoken, and the successor reads what was said and answers for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.log.decisions import Decision, decode_record
from streams.log.reading import LogReader, connection
from streams.settings import Settings


class OwnOffsets:
    """The offsets of our own records in one partition.

    Args:
        end: of the log when it was read back; what is below is known.
    """

    def __init__(self, end: int) -> None:
        self._next = end

    def acknowledged(self, offsets: Iterable[int]) -> list[int]:
        """Offsets below the greatest of these that are neither ours nor known.

        >>> own = OwnOffsets(5)
        >>> own.acknowledged([5, 6]), own.acknowledged([9, 7]), own.acknowledged([]), own.acknowledged([10])
        ([], [8], [], [])
        """
        ours = {offset for offset in offsets if offset >= self._next}  # a broker that knew a record already gives -1
        if not ours:
            return []
        foreign = [offset for offset in range(self._next, max(ours)) if offset not in ours]
        self._next = max(ours) + 1
        return foreign


async def read_foreign(settings: Settings, topic: str, shard: int, offsets: Sequence[int]) -> list[Decision]:
    """The decisions at some offsets, ascending.

    Raises:
        DependencyAway: the broker does not answer.
    """
    wanted, found = set(offsets), []
    async with LogReader(connection(settings), topic) as reader:
        async for batch in reader.to_end({shard: min(wanted)}, {shard: max(wanted) + 1}):
            for record in batch:
                if record.offset in wanted and isinstance(said := decode_record(record.value), Decision):
                    found.append(said)
    return found
