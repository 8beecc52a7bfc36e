"""A worker with a fake stage 2: `python -m tests.support.fake_encoder worker`; FAKE_ENCODER sets its behaviour.

`harmless`: every text is .9 less harmful than by stage 1. `hangs`, `dies`: at the first text.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

import models
from streams.pipeline.encoder_main import EncoderHello, decode_texts, encode, end_with_parent, receive, send
from streams.policy.checks import KNOWN_CATEGORIES

ARTEFACT = Path(models.__file__).parent / "artefact" / "scorer.skops"
"""The worker's own artefact. Only its revision is needed here, and loading it takes long."""


def play(how: str) -> NoReturn:
    """Behave as `streams.pipeline.encoder_main`."""
    end_with_parent()
    out, columns = sys.stdout.buffer, 1 + len(KNOWN_CATEGORIES)
    send(out, encode(EncoderHello("f" * 12, hashlib.sha256(ARTEFACT.read_bytes()).hexdigest()[:12], columns)))
    while (frame := receive(sys.stdin.buffer)) is not None:
        texts = decode_texts(frame)
        if how == "hangs":
            time.sleep(3600)
        if how == "dies":
            os._exit(7)
        send(out, encode(np.full((len(texts), columns), -0.9, "<f4").tobytes()))
    sys.exit(0)


def work() -> None:
    """Run the real worker with this fake encoder, and with a short deadline for one that hangs."""
    from streams.cli import main
    from streams.pipeline import stage_2, wiring
    from streams.pipeline.encoder_process import EncoderProcess

    how = os.environ["FAKE_ENCODER"]
    stage_2.NEEDED = ()
    stage_2.command = lambda _: [sys.executable, "-m", "tests.support.fake_encoder", "play", how]
    answer_seconds = 2.0 if how == "hangs" else 60.0
    wiring.EncoderProcess = partial(EncoderProcess, start_seconds=60.0, answer_seconds=answer_seconds)  # type: ignore[assignment,misc]
    main.run()


if __name__ == "__main__":
    if sys.argv[1] == "play":
        play(sys.argv[2])
    work()
