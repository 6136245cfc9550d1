"""The engine that searches vectors in a Milvus server; imported only if the settings select it."""
