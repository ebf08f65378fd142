"""Which points are nearest? One contract over the embedded and the remote vector store."""
