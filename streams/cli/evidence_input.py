"""Evidence for commands that judge the past: read from a file or from the topic, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from streams.clock import now_ms
from streams.errors import CallerMistake, ContractError
from streams.progress import progress_bar
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.log.evidence import EvidenceRecord
    from streams.policy import Policy


async def live_policy(settings: Settings, option: str = "--live") -> Policy:
    """Read the live policy from the `policy` topic; an error names the option of the command that takes a file.

    Raises:
        CallerMistake: no policy was ever live.
    """
    from streams.log.policies import read_policies
    from streams.policy import Policy

    kept = await read_policies(settings)
    if not kept:
        raise CallerMistake("no policy was ever live here", fix=f"start a worker, or name a policy file: {option} FILE")
    return Policy.from_canonical(list(kept.values())[-1].policy)


def feed_from_file(add: Callable[[EvidenceRecord], object], path: Path, back_ms: int | None = None) -> None:
    """Pass each record of a file of evidence to `add`.

    Args:
        add: called with each record, in order.
        path: file of evidence, one record a line.
        back_ms: only records up to this long before the last one; None: all.

    Raises:
        CallerMistake: the file cannot be read, or a line is not evidence.
    """
    from streams.log.evidence_reading import read_evidence_record
    from streams.log.lines import read_lines

    try:
        with path.open("rb") as file, progress_bar() as bar:
            since_ms = -1
            if back_ms is not None:
                since_ms = max((record.timestamp for record in read_lines(file)), default=0) - back_ms
                file.seek(0)
            task, read = bar.add_task("", total=path.stat().st_size), 0

            def lines() -> Iterator[bytes]:
                nonlocal read
                for line in file:
                    read += len(line)
                    yield line

            for number, record in enumerate(read_lines(lines()), 1):
                if record.timestamp < since_ms:
                    continue
                try:
                    add(read_evidence_record(record))
                except ContractError as error:
                    raise CallerMistake(
                        f"{path}: line {number} is not evidence: {error}",
                        fix="`hushtag replay --evidence` and `hushtag dump hashtag-evidence` write it",
                    ) from error
                bar.update(task, completed=read)
    except OSError as error:
        raise CallerMistake(
            f"cannot read {path}: {error.strerror or error}", fix="`hushtag replay --evidence FILE` writes one"
        ) from error


async def feed_from_log(add: Callable[[EvidenceRecord], object], settings: Settings, back_ms: int) -> None:
    """Pass each record of the last `back_ms` of `hashtag-evidence` to `add`."""
    from streams.log.evidence_reading import read_evidence

    with progress_bar() as bar:
        task = bar.add_task("", total=None)
        async for record, done, total in read_evidence(settings, now_ms() - back_ms):
            add(record)
            bar.update(task, completed=done, total=total)
