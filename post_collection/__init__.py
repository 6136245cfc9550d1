"""The posts of a bundle as a collection of a Milvus server: its form, how it is filled and checked, how it is asked."""
