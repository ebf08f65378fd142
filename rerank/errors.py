"""Everything that reranking can refuse, as one tree.

RerankError
 ├── BadInput         the caller's query, documents or limits cannot be scored
 ├── ModelNotFound    no such model here, and no permission to download it
 ├── BadCheckpoint    the files are there but incomplete, corrupt, unsafe or not finite
 ├── OutOfMemory      a single pair does not fit the device
 ├── RemoteError      the rerank server is slow, down, or answered nonsense
 └── Cancelled        the caller asked to stop

Each message is one sentence that names the thing and the next step.
"""


class RerankError(Exception):
    """The root of every error that reranking raises."""


class BadInput(RerankError):
    """The query, the documents or the limits cannot be scored."""


class ModelNotFound(RerankError):
    """No such model on this machine, and downloading was not asked for."""


class BadCheckpoint(RerankError):
    """A checkpoint that is incomplete, corrupt, unsafe to load, or gives scores that are not finite."""


class OutOfMemory(RerankError):
    """A single pair does not fit into the device's memory."""


class RemoteError(RerankError):
    """The rerank server did not answer in time, refused, or answered nonsense."""


class Cancelled(RerankError):
    """The caller cancelled the scoring."""
