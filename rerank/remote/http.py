"""One JSON request to a server that may be slow, down or wrong: bounded in time, tries and size."""

from __future__ import annotations

import email.utils
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from rerank.base import stop_if
from rerank.errors import RemoteError
from rerank.models.running import Cancel

RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))
_BACKOFF_SECONDS = 0.5
_POLL_SECONDS = 0.05
_MOST_BYTES = 64 << 20
_SHOWN = 200
"""Characters of a server's own words that an error shows."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for, in seconds, and how often it is asked."""

    request: float = 30.0
    """For connecting and between two parts of an answer."""
    total: float = 120.0
    """For one call of `score`, all requests and pauses together."""
    tries: int = 3
    """For one request, the first one included."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go, and what may be shown of it."""

    url: str
    shown: str
    """Without user, password and query string."""
    key: Secret


class Secret:
    """A text that does not show itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        self._text = text or ""

    def __repr__(self) -> str:
        return "'***'" if self._text else "''"

    def reveal(self) -> str:
        """The text itself; "" where there is none."""
        return self._text

    def hide_in(self, text: str) -> str:
        """The text with the secret in it blotted out."""
        return text.replace(self._text, "***") if self._text else text


class _RetryError(Exception):
    """This attempt failed in a way that may pass."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def post(
    client: httpx.Client,
    address: Address,
    body: dict[str, Any],
    patience: Patience,
    deadline: float,
    cancel: Cancel | None,
) -> Any:  # noqa: ANN401 - whatever the server sent
    """The parsed JSON that the server answered to `body`; `deadline` is on the clock of `time.monotonic`.

    Raises:
        RemoteError: no answer in time, a refusal, or an answer that is not JSON.
        Cancelled: the caller asked for a stop.
    """
    for attempt in range(patience.tries):
        last = attempt + 1 == patience.tries
        try:
            return _attempt(client, address, body, patience, deadline, cancel)
        except _RetryError as failed:
            pause = _BACKOFF_SECONDS * 2**attempt if failed.wait is None else failed.wait
            if last:
                raise RemoteError(f"{address.shown} {failed}, {patience.tries} times: {_NEXT}.") from failed
            if time.monotonic() + pause > deadline:
                raise RemoteError(
                    f"{address.shown} {failed} and another try in {pause:.0f} s is beyond the {patience.total:.0f} s "
                    f"allowed: {_NEXT}."
                ) from failed
            _sleep(pause, cancel)
    raise RemoteError(f"{address.shown} was not asked: allow at least one try.")


_NEXT = "check that the server is up, or choose another scorer"


def _attempt(
    client: httpx.Client,
    address: Address,
    body: dict[str, Any],
    patience: Patience,
    deadline: float,
    cancel: Cancel | None,
) -> Any:  # noqa: ANN401 - whatever the server sent
    """One request on a thread of its own, so that neither a stop nor the deadline has to wait for the server."""
    left = deadline - time.monotonic()
    slow = RemoteError(f"{address.shown} did not answer within {patience.total:.0f} s: raise the limit or score less.")
    if left <= 0:
        raise slow
    outcome: list[tuple[httpx.Response, bytes] | Exception] = []

    def ask() -> None:
        try:
            outcome.append(_exchange(client, address, body, min(patience.request, left), deadline))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, RuntimeError) as failed:
            outcome.append(failed)

    thread = threading.Thread(target=ask, daemon=True, name="rerank-request")
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_SECONDS)
        stop_if(cancel)
        if time.monotonic() > deadline:
            raise slow
    (result,) = outcome
    if isinstance(result, Exception):
        raise _refusal(address, result, patience) from result
    return _parsed(address, *result)


def _exchange(
    client: httpx.Client, address: Address, body: dict[str, Any], timeout: float, deadline: float
) -> tuple[httpx.Response, bytes]:
    headers = {"Accept": "application/json"}
    if address.key.reveal():
        headers["Authorization"] = f"Bearer {address.key.reveal()}"
    with client.stream("POST", address.url, json=body, headers=headers, timeout=timeout) as response:
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _MOST_BYTES or time.monotonic() > deadline:
                raise TimeoutError
        return response, b"".join(parts)


def _refusal(address: Address, failed: Exception, patience: Patience) -> Exception:
    match failed:
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return RemoteError(
                f"{address.shown} did not answer within {patience.request:.0f} s: raise the limit or score less."
            )
        case httpx.TransportError():
            return _RetryError(f"cannot be reached ({address.key.hide_in(str(failed)) or type(failed).__name__})")
        case TimeoutError():
            return RemoteError(f"{address.shown} sent an answer without end: {_NEXT}.")
        case RuntimeError():
            return RemoteError(f"{address.shown} was released while it was asked: ask again.")
        case _:
            return RemoteError(f"{address.shown} sent an answer that is not HTTP: {_NEXT}.")


def _parsed(address: Address, response: httpx.Response, content: bytes) -> Any:  # noqa: ANN401 - whatever the server sent
    status = response.status_code
    text = content.decode("utf-8", "replace")
    said = address.key.hide_in(" ".join(text.split())[:_SHOWN])
    if status in RETRIED:
        raise _RetryError(f"answered {status} ({said})", _retry_after(response))
    if status in (401, 403):
        raise RemoteError(f"{address.shown} refused the API key ({status}): check the key.")
    if status in (404, 405):
        raise RemoteError(f"{address.shown} has no rerank endpoint ({status}): check the path of the address.")
    if not response.is_success:
        raise RemoteError(f"{address.shown} answered {status} ({said}): {_NEXT}.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as broken:
        kind = response.headers.get("content-type", "no content type")
        raise RemoteError(
            f"{address.shown} answered {kind} instead of JSON: check that the address is that of a rerank endpoint."
        ) from broken


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, from its header in seconds or as a date (RFC 9110, section 10.2.3)."""
    stated = response.headers.get("retry-after", "").strip()
    if stated.isdigit():
        return float(stated)
    parsed = email.utils.parsedate_tz(stated) if stated else None
    return max(0.0, email.utils.mktime_tz(parsed) - time.time()) if parsed else None


def _sleep(seconds: float, cancel: Cancel | None) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        stop_if(cancel)
        time.sleep(min(_POLL_SECONDS, left))
