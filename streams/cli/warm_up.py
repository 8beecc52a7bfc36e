"""`hushtag warm-up`: compile all kernels, so that no process compiles when it starts."""

from __future__ import annotations

from dataclasses import asdict

import typer

from streams.cli.options import Json
from streams.cli.output import print_json
from streams.errors import CallerMistake


def register(app: typer.Typer) -> None:
    """Add `warm-up` to the command."""
    app.command("warm-up")(warm_up)


def warm_up(as_json: Json = False) -> None:
    """Compile the numerical kernels of every process and save them; a second run only loads them.

    Needs neither Kafka nor Redis. The machine code fits one processor type: set NUMBA_CPU_NAME and NUMBA_CPU_FEATURES
    to the same values here and at the start of each process. Exits with 2 if the machine code cannot be saved.
    """
    from models.compiled import kernel_counts  # slow imports: not for other commands
    from models.warm_up import warm_up as warm_up_texts
    from streams.clock import monotonic_seconds
    from streams.scoring import load_text_scorer
    from streams.warm_up import warm_up as warm_up_engine

    began = monotonic_seconds()
    warm_up_texts()
    warm_up_engine(load_text_scorer())
    seconds = monotonic_seconds() - began
    counts = kernel_counts()
    if counts.unsaved:
        raise CallerMistake(
            f"{counts.unsaved} of {counts.compiled} compiled kernels cannot be saved: their folder is not writable",
            fix="run it as the user that installed hushtag, or set NUMBA_CACHE_DIR to a writable folder",
        )
    if as_json:
        print_json(asdict(counts) | {"seconds": round(seconds, 2)})
    else:
        done = f"{counts.compiled} signatures compiled, {counts.loaded} loaded"
        print(f"{counts.kernels} kernels are ready after {seconds:.1f} s: {done}")
