"""How relevant is each passage to the query? Scorers, batching, attention, windows, profiles."""

from rerank.load import load, open_scorer
from rerank.loading import Caches, Loading

__all__ = ["Caches", "Loading", "load", "open_scorer"]
