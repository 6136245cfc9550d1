"""The offline stages, from the upstream API to a bundle."""
