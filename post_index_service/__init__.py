"""The service that ranks the posts of a bundle: a FAISS index of their embeddings, keyed by category."""
