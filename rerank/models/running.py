"""What every running model shares with its caller: where it runs, how far it is, when to stop, what it can read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how a model runs, and why there."""

    device: str
    """"cuda:0", "cpu", or the address of a server."""
    dtype: str
    kernel: str
    """The attention kernel: "flash-attn", "torch varlen", "sdpa", or "remote"."""
    reason: str
    """Why this choice, and why not the faster one where there is one."""

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.device}, {self.dtype}, {self.kernel}: {self.reason}"


Progress = Callable[[int, int], None]
"""Called with (pairs done, pairs in all)."""


class Cancel:
    """A flag that one thread sets and whoever works reads between batches: `if cancel: ...`."""

    __slots__ = ("_others", "_requested")

    def __init__(self, *others: Cancel | None) -> None:
        self._requested = False
        self._others = tuple(one for one in others if one is not None)

    def request(self) -> None:
        """Ask for a stop."""
        self._requested = True

    def __bool__(self) -> bool:
        """True once a stop was asked for, here or of one of the others."""
        return self._requested or any(self._others)


@runtime_checkable
class KnowsVocabulary(Protocol):
    """A model that can say which pieces it knows, and so which scripts it reads."""

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces of every model that is relied upon."""
        ...
