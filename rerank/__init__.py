"""How relevant is each passage to the query? Scorers, batching, attention, windows, profiles."""

from rerank.load import load

__all__ = ["load"]
