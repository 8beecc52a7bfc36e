"""Stage 2 in a process of its own: `python -m streams.pipeline.encoder_main [MODEL]`, between two pipes.

First it says which models it has, then it answers lists of texts with what stage 2 says of each beyond stage 1. A frame
is its length, four bytes little-endian, and so many bytes of msgpack. It ends when its standard input does, and so with
whoever started it, whatever ended that; on Linux even while it hangs and reads no input.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

LENGTH = struct.Struct("<I")
MOST_BYTES = 16 * 1024 * 1024
"""Of a frame: a longer one is a mistake."""
PARENT = "HUSHTAG_ENCODER_PARENT"
"""Names the process that started it, in the environment."""
_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent has ended."""
_NICE = 5
"""Counting and judging come first."""


class Hello(msgspec.Struct, frozen=True):
    """What it has; or why it has nothing, which another start would not change."""

    revision: str = ""
    model_revision: str = ""
    """Of the stage 1 it was made for."""
    columns: int = 0
    trouble: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_hello = msgspec.msgpack.Decoder(Hello).decode
decode_texts = msgspec.msgpack.Decoder(list[bytes]).decode
decode_answer = msgspec.msgpack.Decoder(bytes).decode
"""float32 (n_texts, columns)."""


def main(model: str | None = None) -> int:
    """Serve until the input ends."""
    end_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, and not between the answers
    os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, and with it this ends
    try:
        import models
        from models.encoder.stack import StackScorer

        scorer = models.load_stack(None if model is None else Path(model))
        assert isinstance(scorer, StackScorer)
    except (ImportError, OSError, ValueError, models.EncoderUnavailable) as error:
        send(answers, encode(Hello(trouble=str(error) or repr(error))))
        return 1
    send(answers, encode(Hello(scorer.revision, scorer.stage_1.revision, 1 + len(scorer.categories))))
    while (frame := receive(sys.stdin.buffer)) is not None:
        texts = [text.decode("utf-8", "surrogatepass") for text in decode_texts(frame)]
        differences = scorer.score(texts).astype(np.float32) - scorer.stage_1.score(texts)
        send(answers, encode(np.ascontiguousarray(differences, "<f4").tobytes()))
    return 0


def end_with_parent() -> None:
    """Have the kernel kill this process when the one that `PARENT` names ends, or now if it has ended already.

    Code that hangs in a library, or that is stopped, never learns that its input has ended. Where there is no such call
    the end of the input is all there is.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before the kernel knew
        sys.exit(1)


def send(pipe: BinaryIO, frame: bytes) -> None:
    """Write a frame."""
    pipe.write(LENGTH.pack(len(frame)) + frame)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes | None:
    """Read a frame; None where the pipe ends."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return pipe.read(length)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
