"""What the client scripts share; needs nothing but Python."""

import sys
from collections.abc import Callable

QUERY = "Which city is the capital of France?"
DOCUMENTS = [
    "Berlin is the capital of Germany.",
    "The sky is blue.",
    "Paris is the capital of France. It lies on the Seine.",
    "Bananas are rich in potassium.",
]
BEST = 2
UNKNOWN = "no-such-model"
TOLERANCE = 1e-6


def address() -> str:
    """Where the server under test is."""
    return sys.argv[1]


def claim(name: str, holds: object) -> None:
    """Print the claim, or end the script with it."""
    if not holds:
        sys.exit(f"FAILED {name}")
    sys.stdout.write(f"ok {name}\n")


def raises(call: Callable[[], object], *words: str) -> BaseException:
    """Return what the call raised; end the script if it did not, or if its text lacks a word."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever class the client chose
        missing = [word for word in words if word.lower() not in f"{error!r} {error}".lower()]
        if missing:
            sys.exit(f"FAILED {type(error).__name__} without {missing}: {error}")
        return error
    sys.exit("FAILED: nothing was raised")


def descending(scores: list[float]) -> bool:
    """True for scores in the order that clients rely on."""
    return scores == sorted(scores, reverse=True)
