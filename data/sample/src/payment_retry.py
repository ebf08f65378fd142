"""Sends a purchase to the acquirer, at most three times, without ever charging twice."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

TIMEOUT_S = 4.0
MAX_ATTEMPTS = 3
BACKOFF_S = (0.0, 0.5, 2.0)


class AcquirerTimeoutError(Exception):
    """No answer came within `TIMEOUT_S`."""


class DeclinedError(Exception):
    """The acquirer refused; a refusal is never tried again."""


@dataclass(frozen=True)
class Purchase:
    """What is sent: the key is part of the value, so that no attempt can carry another one."""

    amount_cents: int
    card_token: str
    idempotency_key: uuid.UUID


def new_purchase(amount_cents: int, card_token: str) -> Purchase:
    """Return a purchase with a fresh key. Called once, outside the retry loop: this was the fault in release 41."""
    return Purchase(amount_cents, card_token, uuid.uuid4())


def charge(purchase: Purchase, send: Callable[[Purchase, float], str]) -> str:
    """Return the acquirer's reference.

    Raises:
        DeclinedError: passed on from `send` at once.
        AcquirerTimeoutError: all attempts went unanswered; the state of the payment is then unknown.
    """
    for attempt in range(MAX_ATTEMPTS):
        time.sleep(BACKOFF_S[attempt])
        try:
            return send(purchase, TIMEOUT_S)
        except AcquirerTimeoutError:
            continue
    raise AcquirerTimeoutError(str(purchase.idempotency_key))
