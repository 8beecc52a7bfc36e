"""Find records of the audit topics by the number of their entry, without reading the topic.

The key of a record is the number in decimal. Numbers grow with the offsets, but transactions and compaction leave gaps.
So a record is found by interpolation between known offsets, in a few fetches.
"""

from __future__ import annotations

from contextlib import aclosing

from aiokafka import ConsumerRecord

from moderation.publiclog.faults import AuditBroken, AuditFault
from streams.log.reading import LogReader

MAX_NUMBER_DIGITS = 16


def number_of_key(key: bytes | None) -> int | None:
    """Return the number in a key; None if it is not one in its only spelling.

    >>> number_of_key(b"17"), number_of_key(b"017"), number_of_key(None)
    (17, None, None)
    """
    if key is None or not key.isdigit() or len(key) > MAX_NUMBER_DIGITS or (key[:1] == b"0" and key != b"0"):
        return None
    return int(key)


async def seek_number(reader: LogReader, number: int) -> int:
    """Return an offset at which the record of an entry, or else the first later one, is the next with a value.

    Raises:
        AuditBroken: a key on the way is not a number.
        DependencyAway: Kafka does not answer.
    """
    bounds = (await reader.bounds((0,)))[0]
    low, high = bounds.begin, bounds.end
    low_number, high_number = 0, 0
    while low < high:
        if high_number > number:
            share = (number - low_number) / (high_number - low_number)
            guess = low + int((high - low) * share)
        else:  # the gaps so far predict those that follow
            guess = low + int((number - low_number) * max(1.0, (low - bounds.begin) / max(1, low_number)))
        guess = max(low, min(guess, (low + high) // 2 if guess >= high else guess))
        first = await first_numbered(reader, guess, high)
        if first is None:  # only gaps and tombstones up to `high`
            high = guess
        elif first[1] < number:
            low, low_number = first[0] + 1, first[1] + 1
        elif first[1] == number:
            return first[0]
        else:
            high, high_number = guess, first[1]
    return high


async def first_numbered(reader: LogReader, start: int, end: int) -> tuple[int, int] | None:
    """Return offset and number of the first record with a value in [start, end); None if there is none."""
    async with aclosing(reader.to_end({0: start}, {0: end})) as batches:
        async for batch in batches:
            for record in batch:
                if record.value is not None:
                    return record.offset, _number(reader.topic, record)
    return None


def _number(topic: str, record: ConsumerRecord) -> int:
    number = number_of_key(record.key)
    if number is None:
        fault = AuditFault(0, "not an entry", f"the key {record.key!r} is not the number of an entry", record.offset)
        raise AuditBroken(topic, fault)
    return number
