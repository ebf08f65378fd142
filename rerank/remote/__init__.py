"""What does a rerank server elsewhere say? Jina, Cohere and TEI shapes over HTTP."""
