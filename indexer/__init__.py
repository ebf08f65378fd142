"""What is in the folder and how is it stored? Reading, splitting, embedding, catalog, vector store, sync."""
