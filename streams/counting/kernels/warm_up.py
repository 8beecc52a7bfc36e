"""Compiles the kernels of ingest and of names, or reads them from disk, before the first batch waits for them."""

from __future__ import annotations

import numpy as np

from streams.counting.ingest import SourcePartition
from streams.counting.kernels.record_split import split_records
from streams.counting.keys import COUNTRY_BITS, Sharding, Tags
from streams.counting.records import COLUMNS, RecordColumns, SourceRow
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules

_PLAIN = b'{"id":1,"author_id":1,"created_at_ms":1,"text":"#a","hashtags":["a"]}'
_V1 = b'{"id_str":"4","created_at":"Thu Jan 01 00:00:00 +0000 1970","text":"#a","user":{"id_str":"1"}}'
_FOR_THE_PARSER = b'{"id":2,"author_id":1,"created_at_ms":1,"text":"\\n","hashtags":["a","\\u00e9"]}'
_TOO_NEW = b'{"id":3,"author_id":1,"created_at_ms":1000000,"text":"#a"}'


def warm_up_names() -> None:
    """Number a name, and find it."""
    tags = Tags()
    tags.names(tags.of(["a"]) << COUNTRY_BITS)
    tags.find("a", "*")


def warm_up() -> None:
    """Number a name; read one tweet of each kind, and flush them."""
    warm_up_names()
    split_records(np.frombuffer(b"\0", np.uint8), 0, 0, 0, -1, np.empty((1, COLUMNS), np.int64))
    core = SourcePartition(0, 1, "", 0, sharding=Sharding(1), hashes=KeyedHash(b""), times=TimeRules())
    for offset, value in enumerate((_PLAIN, _V1, _FOR_THE_PARSER, _TOO_NEW)):
        core.read(RecordColumns.of([SourceRow(offset, 1, None, value)]))
        core.flush()
