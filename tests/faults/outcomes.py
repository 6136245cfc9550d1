"""What became of each fault that was injected: a JSON line each, from which docs/reliability.md is made."""

import json
import os
from pathlib import Path

VARIABLE = "MOODFEED_FAULT_OUTCOMES"


def record_outcome(
    fault: str, *, injected: str, requests: int, answered: int, degraded: int = 0, failed: int = 0, wrong: int = 0
) -> None:
    """Append a line to the file that MOODFEED_FAULT_OUTCOMES names; without that variable do nothing.

    ``injected`` says how the fault was made, ``requests`` counts what was asked meanwhile and after: RPCs, or loads of
    a bundle. Each was ``answered`` in full, ``degraded`` and said so, ``failed`` with a clear error, or ``wrong``.
    """
    if answered + degraded + failed + wrong != requests:
        raise ValueError(f"{fault}: {answered} + {degraded} + {failed} + {wrong} outcomes of {requests} requests")
    path = os.environ.get(VARIABLE)
    if path:
        line = {
            "fault": fault,
            "injected": injected,
            "requests": requests,
            "answered": answered,
            "degraded": degraded,
            "failed": failed,
            "wrong": wrong,
        }
        with Path(path).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
