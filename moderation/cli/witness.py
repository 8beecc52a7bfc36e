"""`hushtag witness`: cosign the checkpoints of logs, each only if it extends the one before."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from streams.errors import CallerMistake


def register(app: typer.Typer) -> None:
    """Add `witness` to the command."""
    app.command()(witness)


def witness(
    key: Annotated[
        str,
        typer.Option(
            envvar="HUSHTAG_WITNESS_KEY",
            metavar="KEY",
            show_default=False,
            help="Private key of the witness, or a file with it; `audit key new NAME --witness` makes one.",
        ),
    ],
    state: Annotated[
        Path,
        typer.Option(metavar="FILE", show_default=False, help="File of the last cosigned checkpoints; never lose it."),
    ],
    log_key: Annotated[
        list[str],
        typer.Option(metavar="KEY", show_default=False, help="Public key of a log to follow; may be repeated."),
    ],
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Address to listen on.")] = "127.0.0.1:9470",
    new: Annotated[
        bool,
        typer.Option("--new", help="Create the file of --state: only at the first start with a new key."),
    ] = False,
) -> None:
    """Cosign checkpoints of the given logs until stopped (C2SP tlog-witness, POST /add-checkpoint).

    A checkpoint is cosigned only if it extends the last one. Run it where the log's operator cannot change it.
    """  # fmt: skip
    from moderation.publiclog.keys import read_key_text
    from moderation.publiclog.tlog.keys import KeyKind, read_private_key, read_public_key
    from moderation.publiclog.witness.core import WitnessCore
    from moderation.publiclog.witness.server import serve_witness
    from moderation.publiclog.witness.state import StateFile
    from streams.logs import configure_logging
    from streams.serving import listening_socket

    own = read_private_key(read_key_text(key), KeyKind.witness)
    logs = [read_public_key(text, KeyKind.log) for text in log_key]
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not host:
        raise CallerMistake(f"--listen {listen!r} is not HOST:PORT", fix="write, for example, 127.0.0.1:9470")
    configure_logging("info")
    with StateFile(state, is_new=new) as store:
        try:
            listening = listening_socket(host.strip("[]"), int(port))
        except (OSError, OverflowError) as error:
            raise CallerMistake(f"cannot listen on {listen}: {error}", fix="give another --listen") from None
        at = listening.getsockname()[1]
        core = WitnessCore(own, logs, store, time.time)
        with listening:
            print(f"{own.public_key} http://{host}:{at}", flush=True)
            asyncio.run(serve_witness(core, listening, lambda: None))
