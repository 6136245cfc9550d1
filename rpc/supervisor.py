"""The bond between a process and the command that started it: one ends with the other, and says when it serves.

The command gives each process one end of a socket pair, whose number is in MOODFEED_SUPERVISOR_FD. Its own end closes
when it ends, however it ends: the kernel closes it even after a SIGKILL. A process that was started otherwise has no
such variable, and nothing here concerns it.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Mapping

VARIABLE = "MOODFEED_SUPERVISOR_FD"
_SERVING = b"serving\n"
_DRAIN_SECONDS = 15.0

_bonds: list[socket.socket] = []


def follow_supervisor() -> None:
    """Stop this process, as SIGTERM does, when the command that started it is gone."""
    number = os.environ.pop(VARIABLE, None)  # children of this process are not the command's
    if number is not None:
        bond = socket.socket(fileno=int(number))
        bond.set_inheritable(False)
        _bonds.append(bond)
        threading.Thread(target=_stop_when_closed, args=(bond,), name="supervisor", daemon=True).start()


def report_serving() -> None:
    """Tell the command that this very process listens on its addresses and answers."""
    for bond in _bonds:
        try:
            bond.sendall(_SERVING)
        except OSError:  # it is gone, and so is this process soon
            return


class Bond:
    """The command's end; the process's end is given to it by ``environment`` and ``inherited``."""

    def __init__(self) -> None:
        self._own, self._given = socket.socketpair()
        self._own.setblocking(False)
        self._is_serving = False

    @property
    def environment(self) -> Mapping[str, str]:
        """The variable that the process must find in its environment."""
        return {VARIABLE: str(self._given.fileno())}

    @property
    def inherited(self) -> tuple[int]:
        """The file descriptor to pass on."""
        return (self._given.fileno(),)

    def hand_over(self) -> None:
        """Close this process's copy of what the new process has."""
        self._given.close()

    def is_serving(self) -> bool:
        """Whether the process has said that it serves."""
        if not self._is_serving:
            try:
                self._is_serving = self._own.recv(len(_SERVING)) == _SERVING
            except BlockingIOError:
                return False
        return self._is_serving

    def close(self) -> None:
        """End the bond: the process stops, if it has not."""
        self._own.close()


def _stop_when_closed(bond: socket.socket) -> None:
    try:
        while bond.recv(1):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_DRAIN_SECONDS)
    os._exit(1)
