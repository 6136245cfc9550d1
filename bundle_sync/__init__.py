"""Bundles to and from a bucket of S3: published with one small object, followed into a directory of bundles."""
