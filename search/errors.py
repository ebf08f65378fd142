"""What a search can refuse; everything below it keeps its own tree (`indexer.errors`, `rerank.errors`)."""

from data.shipped import ShippedFileError
from indexer.errors import IndexerError
from rerank.errors import RerankError


class SearchError(Exception):
    """The root of every error that searching raises; the message is one sentence with the next step."""


class BadQuery(SearchError):
    """The query or its settings cannot be searched with."""


class EmptyIndex(SearchError):
    """There is nothing to search in yet."""


class BadTemplate(SearchError):
    """The prompt template is missing or cannot be rendered."""


USER_ERRORS: tuple[type[Exception], ...] = (SearchError, IndexerError, RerankError, ShippedFileError)
"""The one list of errors whose message is one sentence for a person; `app.errors` has a tree of its own above it."""
