"""The figures of the living feed: `make bench-live`. One module a figure; FIGURES in figures.py lists them."""
