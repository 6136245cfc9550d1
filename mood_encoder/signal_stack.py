"""The alternate signal stack of a thread, which OpenVINO replaces and leaves behind when a model is dropped."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """``stack_t`` of Linux; see sigaltstack(2)."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def keeping_signal_stack() -> Iterator[None]:
    """Give this thread its alternate signal stack back when the block ends.

    OpenVINO's processor plugin gives the thread that compiles a model a stack of the model's own, and frees it with the
    model. Python's signal handlers run on that stack: after two models have gone in the order in which they came,
    SIGTERM found freed memory and the process ended by a segmentation fault.
    """
    sigaltstack = getattr(ctypes.CDLL(None), "sigaltstack", None) if sys.platform == "linux" else None
    if sigaltstack is None:
        yield
        return
    before = _Stack()
    sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)
