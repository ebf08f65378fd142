"""Which second stages can be chosen here: loaded when first used, kept until released."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rerank.scorer import Scorer

NO_SCORER = "none"
"""The choice that leaves the first stage's order."""


@dataclass(frozen=True, slots=True)
class ScorerChoice:
    """One entry of the list that a person chooses from."""

    name: str
    label: str
    available: bool
    """True if it can be loaded here without a download."""
    reason: str
    """Why it is available or not, and how to get it."""
    licence: str


class Scorers:
    """Second stages by name; each is loaded once, by whichever thread asks first."""

    def __init__(
        self,
        load: Callable[[str], Scorer],
        choices: Callable[[], Sequence[ScorerChoice]],
        default: str,
        blends: Mapping[str, float] | None = None,
    ) -> None:
        """Keep what is needed to load.

        Args:
            load: turns a name into a scorer, or raises `rerank.errors.RerankError`.
            choices: lists what can be chosen.
            default: the name used where none is given.
            blends: the measured share of the first stage for each scorer name; 0 where a name is missing.
        """
        self._load = load
        self._choices = choices
        self._blends = dict(blends or {})
        self._loaded: dict[str, Scorer] = {}
        self._loading = threading.Lock()
        self._guard = threading.Lock()
        """Held for moments only: whoever asks for what is loaded does not wait for what is being loaded."""
        self.default = default

    def get(self, name: str | None = None) -> Scorer:
        """The scorer of that name (None: the default), loaded.

        Raises:
            RerankError: the name is unknown, or its model is not here or cannot be loaded.
        """
        wanted = name or self.default
        found = self._known(wanted)
        if found is None:
            with self._loading:
                found = self._known(wanted) or self._load(wanted)
                with self._guard:
                    self._loaded[wanted] = found
        return found

    def choices(self) -> tuple[ScorerChoice, ...]:
        """Everything that can be chosen, the default first, "none" last."""
        listed = sorted(self._choices(), key=lambda one: (one.name != self.default, not one.available))
        nothing = ScorerChoice(NO_SCORER, "No second look", available=True, reason="first-stage order", licence="")
        return (*listed, nothing)

    def blend(self, name: str | None = None) -> float:
        """The measured default share of the first stage for a scorer."""
        return self._blends.get(name or self.default, 0.0)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the scorers in memory."""
        with self._guard:
            return tuple(self._loaded)

    def release(self) -> None:
        """Give back the memory of every loaded scorer."""
        with self._guard:
            for scorer in self._loaded.values():
                scorer.release()
            self._loaded.clear()

    def _known(self, name: str) -> Scorer | None:
        with self._guard:
            return self._loaded.get(name)
