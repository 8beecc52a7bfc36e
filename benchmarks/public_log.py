"""Public log of ten million entries on disk: time of a proof's path, memory, and verification of the whole on one core.

    python -m benchmarks.public_log

Entries are those of `moderation.publiclog.disclosure`: type and day are committed with salts of their own, the ten
other digests are random bytes. A report opens type and day of every entry. Each step runs in a separate process, so
that its peak of memory is known. Times are CPU times. A proof of the API also reads the entry and the checkpoint from
Kafka. The files take 5.5 GB and are removed at the end.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from moderation.publiclog.disclosure import FIELDS, PREFIX, SALT_BYTES
from moderation.publiclog.proofs.published_log import Folder, PublishedLog
from moderation.publiclog.proofs.verify_proof import lines_of, read_keys, verify_report
from moderation.publiclog.tlog.bundles import encode_bundle
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from moderation.publiclog.tlog.proof_checks import check_inclusion
from moderation.publiclog.tlog.proving import consistency_proof
from moderation.publiclog.tlog.tiles import TILE_WIDTH, TileBuilder, TileName, TileTree

KEY = PrivateKey("benchmark.example/log", KeyKind.log, b"benchmark" + bytes(23))
KINDS = ("decision/suppress/IN", "decision/clear/IN", "override/block/IN", "order/received/IN", "note")
PROOFS = 2_000
_console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class StepRun:
    """Answer of a step with its costs."""

    answer: Any
    cpu_seconds: float
    peak_mb: float


def build(folder: Path, entries: int) -> str:
    """Write tiles, bundles, openings and a checkpoint; return the signed checkpoint."""
    builder = TileBuilder()
    with (folder / "openings.jsonl").open("w", encoding="utf-8") as openings:
        for index, leaves in enumerate(_bundles(entries, openings.write)):
            for leaf in leaves:
                for tile in builder.append(leaf_hash(leaf)):
                    _write(folder / tile.name.path, tile.data)
            _write(folder / TileName(None, index, len(leaves)).path, encode_bundle(leaves))
    for tile in builder.partial_tiles():
        _write(folder / tile.name.path, tile.data)
    note = sign_checkpoint(Checkpoint(KEY.name, entries, builder.root()), [KEY]).encode()
    _write(folder / "checkpoint", note.encode())
    return note


def _bundles(entries: int, write: Callable[[str], object]) -> Iterator[list[bytes]]:
    done, printed_at, rest = 0, time.monotonic(), 32 * (len(FIELDS) - 2)
    while done < entries:
        leaves, lines = [], []
        day = f"2026-{1 + done * 12 // entries:02d}-01"
        chance = os.urandom((2 * SALT_BYTES + rest) * TILE_WIDTH)
        for index in range(done, min(done + TILE_WIDTH, entries)):
            at = (index - done) * (2 * SALT_BYTES + rest)
            salts = urlsafe_b64encode(chance[at : at + 2 * SALT_BYTES]).decode()
            first, second, kind = salts[:21] + "A", salts[21:42] + "A", KINDS[index % len(KINDS)]
            digests = _digest(first, "type", kind) + _digest(second, "period", day)
            leaves.append(PREFIX + digests + chance[at + 2 * SALT_BYTES : at + 2 * SALT_BYTES + rest])
            lines.append(f'[{index},"{first}","{kind}","{second}","{day}"]\n')
        write("".join(lines))
        yield leaves
        done += len(leaves)
        if time.monotonic() - printed_at > 10:
            printed_at = time.monotonic()
            print(f"  {done:,} of {entries:,} entries", flush=True)


def _digest(salt: str, name: str, value: str) -> bytes:
    return sha256(f'["{salt}","{name}","{value}"]'.encode()).digest()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def prove(folder: Path, entries: int) -> list[float]:
    """Make the paths of random entries as the API does, each with nothing kept from the last; return milliseconds."""
    from moderation.publiclog.entry_proofs import (
        paths_from_folder,  # large: other steps measure their memory without it
    )

    log = PublishedLog(Folder(folder))
    chance, took = random.Random(1), []
    root = TileBuilder.resume(entries, log.tile).root()
    for _ in range(PROOFS):
        index, old = chance.randrange(entries), chance.randrange(1, entries)
        began = time.process_time()
        path = paths_from_folder(str(folder), [(index, entries)])[index, entries]
        took.append((time.process_time() - began) * 1000)
        tile = log.tile(TileName(0, index // TILE_WIDTH, min(TILE_WIDTH, entries - index // TILE_WIDTH * TILE_WIDTH)))
        assert tile is not None
        at = index % TILE_WIDTH * 32
        check_inclusion(tile[at : at + 32], index, entries, path, root)
        consistency_proof(TileTree(entries, log.tile), old, entries)
    return sorted(took)


def resume(folder: Path, entries: int) -> float:
    """Resume the tiles from the last checkpoint, as a publisher does at its start; return the milliseconds."""
    began = time.process_time()
    TileBuilder.resume(entries, PublishedLog(Folder(folder)).tile)
    return (time.process_time() - began) * 1000


def verify(folder: Path, entries: int) -> int:
    """Verify every entry and a report that opens all of them; return the entries that were counted."""
    note = (folder / "checkpoint").read_text("utf-8")
    counts = {kind: len(range(at, entries, len(KINDS))) for at, kind in enumerate(KINDS)}
    report = {
        "country": "*",
        "from_ms": 1_767_225_600_000,
        "to_ms": 1_798_761_600_000,
        "orders": counts["order/received/IN"],
        "confidential_orders": 0,
        "orders_by_country": {"IN": counts["order/received/IN"]},
        "decisions_by_people": {"block": counts["override/block/IN"]},
        "log": {
            "checkpoint": note, "size": entries, "first_day": "2026-01-01", "last_day": "2026-12-31",
            "entries": counts,
        },
    }  # fmt: skip
    lines, read = lines_of(folder / "openings.jsonl"), Folder(folder).read
    size: int = verify_report(json.dumps(report).encode(), lines, read, read_keys(str(KEY.public_key), ()))["size"]
    return size


def _measured(step: Callable[[Path, int], Any], folder: Path, entries: int) -> StepRun:
    began = time.process_time()
    answer = step(folder, entries)
    return StepRun(answer, time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def run(step: Callable[[Path, int], Any], folder: Path, entries: int) -> StepRun:
    """Run a step in a separate process."""
    _console.print(f"{step.__name__} ...")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        measured = pool.submit(_measured, step, folder, entries).result()
    _console.print(f"  {measured.cpu_seconds:.1f} s of CPU, {measured.peak_mb:.0f} MB")
    return measured


def figures_of(entries: int, proved: StepRun, resumed: StepRun, verified: StepRun) -> dict[str, float]:
    """Name the figures of the steps."""
    assert verified.answer == entries
    times = proved.answer
    return {
        "entries": entries,
        "path_ms": times[len(times) // 2],
        "path_99_ms": times[len(times) * 99 // 100],
        "path_mb": proved.peak_mb,
        "resume_ms": resumed.answer,
        "verify_seconds": verified.cpu_seconds,
        "verify_us": verified.cpu_seconds / entries * 1e6,
        "verify_mb": verified.peak_mb,
    }


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path, help="where the files go; a temporary folder by default")
    parser.add_argument("--json", action="store_true", help="print the figures as one object at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hushtag-public-log-", dir=options.dir) as name:
        folder = Path(name)
        run(build, folder, options.entries)
        figures = figures_of(options.entries, *(run(step, folder, options.entries) for step in (prove, resume, verify)))
        if options.json:
            print(json.dumps(figures), flush=True)
            return
        table = Table("figure", "[right]value", title=f"{options.entries:,} entries")
        for figure, value in figures.items():
            table.add_row(figure, f"{value:,.3g}" if isinstance(value, float) else f"{value:,}")
        _console.print(table)
        _console.print(machine(), "Removing the files ...", sep="\n")


if __name__ == "__main__":
    main()
