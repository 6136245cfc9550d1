"""What make bench-scale measures: Milvus beside our own index, in one run; and an index in shards."""
