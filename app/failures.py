"""How a failure reaches a person: one sentence on standard error, never a traceback."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import TracebackType

from app.errors import AppError
from search.errors import USER_ERRORS

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C ended, as shells count it (128 + SIGINT)."""


def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print one sentence for an error that nothing handled; a sys.excepthook.

    What is not one of our own errors is a bug: its traceback goes to a file that the sentence names.
    """
    if issubclass(kind, (AppError, *USER_ERRORS)):
        sys.stderr.write(f"secondlook: {error}\n")
    elif issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("secondlook: stopped.\n")
    else:
        place = Path(tempfile.gettempdir()) / f"secondlook-{time.strftime('%Y%m%d-%H%M%S')}.log"
        place.write_text("".join(traceback.format_exception(kind, error, trace)), encoding="utf-8")
        sys.stderr.write(f"secondlook: unexpected {kind.__name__}: details are in {place}, please report them.\n")
