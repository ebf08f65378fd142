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

from rerank.models.errors import BadCheckpoint, BadInput, Cancelled, ModelNotFound, OutOfMemory, RerankError

__all__ = ["BadCheckpoint", "BadInput", "Cancelled", "ModelNotFound", "OutOfMemory", "RemoteError", "RerankError"]


class RemoteError(RerankError):
    """The rerank server did not answer in time, refused, or answered nonsense."""
