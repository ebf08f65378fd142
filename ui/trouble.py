"""What a person is told when something goes wrong: one sentence, never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from search.errors import USER_ERRORS

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no value, in one sentence with the next step."""

    sentence: str


def attempt(work: Callable[[], T]) -> T | Trouble:
    """What `work` returns, or why it could not: the error's own sentence where a person can act on it.

    Anything unexpected is logged with a reference, and the sentence names that reference.
    """
    try:
        return work()
    except USER_ERRORS as error:
        return Trouble(str(error))
    except Exception:  # noqa: BLE001 - the page's edge: no traceback may reach a person, and none may be lost
        reference = secrets.token_hex(4)
        _log.exception("unexpected error on the page, reference %s", reference)
        return Trouble(f"Something unexpected went wrong; the log says what, under the reference {reference}.")
