"""Readers that misbehave, to be named to a `Worker` in the place of a parser with a fault."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from indexer.read.text import Text


def hang(raw: bytes) -> Text:
    """Never come back."""
    while True:
        time.sleep(len(raw))


def spin(raw: bytes) -> Text:
    """Never come back, and keep the interpreter for itself, as a parser in C does."""
    pattern = ctypes.pythonapi
    pattern.PyGILState_Ensure()
    libc = ctypes.PyDLL(None)
    while raw:
        libc.usleep(500_000)
    return Text("")


def crash(raw: bytes) -> Text:
    """Read memory that is not there."""
    ctypes.string_at(len(raw) and 0)
    return Text("")


def leave(raw: bytes) -> Text:
    """End the process."""
    os._exit(len(raw))


def hog(raw: bytes) -> Text:
    """Take memory until there is none."""
    held = []
    while raw:
        held.append(bytearray(64 * 1024 * 1024))
    return Text("")


def fail(raw: bytes) -> Text:
    """Raise what no reader should."""
    raise SystemExit(f"{len(raw)} bytes")


def chatter(raw: bytes) -> Text:
    """Print into what might be the parent's pipe."""
    print("noise " * 20_000)  # noqa: T201  the point
    os.write(1, b"noise" * 20_000)
    os.write(2, b"noise" * 20_000)
    sys.stdin.read()
    return Text(raw.decode())


def who(_: bytes) -> Text:
    """Say which process reads, and what it has imported."""
    return Text(f"{os.getpid()} {'torch' in sys.modules}")
