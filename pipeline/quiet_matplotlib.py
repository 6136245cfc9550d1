"""Matplotlib that writes no files to the home directory: import it from here, and only where something is drawn.

``import matplotlib`` alone makes a directory in the home directory, and complains where it cannot. Here it keeps its
list of fonts in a temporary directory, which is removed once the list is read, unless MPLCONFIGDIR names a directory.
To make the list takes a second.
"""

import os
from tempfile import TemporaryDirectory

_VARIABLE = "MPLCONFIGDIR"
_given = os.environ.get(_VARIABLE)

with TemporaryDirectory(prefix="moodfeed-matplotlib-") as _directory:
    os.environ[_VARIABLE] = _given or _directory
    try:
        import matplotlib as mpl
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    finally:
        del os.environ[_VARIABLE]
        if _given is not None:
            os.environ[_VARIABLE] = _given

__all__ = ["Axes", "Figure", "MaxNLocator", "mpl"]
