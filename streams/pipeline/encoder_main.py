"""The process of stage 2: `python -m streams.pipeline.encoder_main [MODEL]`, between two pipes.

Its first frame names its models. Then it answers each list of texts with the difference between stage 2 and stage 1 for
each text. A frame is its length, four bytes little-endian, and that many bytes of msgpack. The process ends with its
standard input, and so with the worker. On Linux it also ends with the worker while it hangs and reads no input.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

LENGTH = struct.Struct("<I")
MOST_BYTES = 16 * 1024 * 1024
"""Largest frame; a longer one is an error."""
PARENT = "HUSHTAG_ENCODER_PARENT"
"""Environment variable with the process id of the worker."""
_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends when the parent has ended."""
_NICE = 5
"""Lower priority: counting and judging go first."""


class EncoderHello(msgspec.Struct, frozen=True):
    """First frame of the process: its models, or the reason why it has none, which a restart would not change."""

    revision: str = ""
    model_revision: str = ""
    """Revision of the stage 1 that it was made for."""
    columns: int = 0
    scale: bytes = b""
    """Meaning of stage 2's probabilities, as `models.share.Scale.to_bytes` encodes it."""
    trouble: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_hello = msgspec.msgpack.Decoder(EncoderHello).decode
decode_texts = msgspec.msgpack.Decoder(list[bytes]).decode
decode_answer = msgspec.msgpack.Decoder(bytes).decode
"""Decodes an answer: float32 (n_texts, columns)."""


def main(model: str | None = None) -> int:
    """Answer texts until the input ends."""
    end_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library's prints go to the log, not between the answers
    os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker; this process ends with it
    try:
        import models
        from models.encoder.stack import StackScorer

        scorer = models.load_stack(None if model is None else Path(model))
        assert isinstance(scorer, StackScorer)
        scorer = replace(scorer, stage_1=scorer.stage_1.reading_all())  # the judge asks about texts that were read
    except (ImportError, OSError, ValueError, models.EncoderUnavailable) as error:
        send(answers, encode(EncoderHello(trouble=str(error) or repr(error))))
        return 1
    columns, scale = 1 + len(scorer.categories), scorer.scale.to_bytes()
    send(answers, encode(EncoderHello(scorer.revision, scorer.stage_1.revision, columns, scale)))
    while (frame := receive(sys.stdin.buffer)) is not None:
        texts = [text.decode("utf-8", "surrogatepass") for text in decode_texts(frame)]
        differences = scorer.score(texts).astype(np.float32) - scorer.stage_1.score(texts)
        send(answers, encode(np.ascontiguousarray(differences, "<f4").tobytes()))
    return 0


def end_with_parent() -> None:
    """Have the kernel kill this process with its worker, or exit now if the worker has ended already.

    A process that hangs in a library, or is stopped, never notices the end of its input. Other systems than Linux have
    no such call; there only the end of the input ends the process.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # the worker ended before the call
        sys.exit(1)


def send(pipe: BinaryIO, frame: bytes) -> None:
    """Write one frame to a pipe."""
    pipe.write(LENGTH.pack(len(frame)) + frame)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes | None:
    """Read one frame; None at the end of the pipe."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return pipe.read(length)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
