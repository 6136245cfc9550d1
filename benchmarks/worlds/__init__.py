"""Measures of a sample world, beside those of the real platform: shares no code with the world or with the product."""
