"""What a model can refuse: the part of the tree in `rerank.errors` that has nothing to do with servers."""


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


class Cancelled(RerankError):
    """The caller cancelled the scoring."""
