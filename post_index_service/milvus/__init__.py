"""The engine that asks a Milvus server for the vectors near a query; imported only where the settings ask for it."""
