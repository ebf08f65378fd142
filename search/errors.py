"""What a search can refuse; everything below it keeps its own tree (`indexer.errors`, `rerank.errors`)."""


class SearchError(Exception):
    """The root of every error that searching raises; the message is one sentence with the next step."""


class BadQuery(SearchError):
    """The query or its settings cannot be searched with."""


class EmptyIndex(SearchError):
    """There is nothing to search in yet."""
