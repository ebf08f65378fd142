"""How many compiled products the CPU libraries keep: they keep one for every length of text that ever came."""

from __future__ import annotations

import os

KEPT = 64
"""Enough for the layers of a batch to share theirs. The libraries' own 1,024 each grow by hundreds of megabytes."""


def bound_primitives() -> None:
    """Set the bound, unless the environment states one; it counts from the first product of the process.

    Every model does so when it is loaded.
    """
    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(KEPT))
