"""A stand-in for the upstream API that serves data generated from a seed."""
