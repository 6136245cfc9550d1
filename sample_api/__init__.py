"""A stand-in for the upstream API over data generated from a seed."""
