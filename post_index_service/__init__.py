"""Holds the FAISS index of post embeddings, keyed by category."""
