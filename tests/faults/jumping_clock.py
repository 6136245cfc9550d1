"""Inside a guest kernel whose clock is its own: the product under load, while the wall clock jumps.

python -m tests.faults.jumping_clock BUNDLES OUTPUT

It sets the clock of the machine that it runs on, so it refuses to run anywhere but under User Mode Linux.
"""

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.expectations import Expectations
from tests.faults.fleet import running_fleet
from tests.faults.load import Outcomes, running_load, wait_for_requests
from tests.faults.test_swaps import make_current

HOUR, DAY = 3_600.0, 86_400.0
JUMPS = {
    "an hour ahead": (HOUR,),
    "two hours back": (-2 * HOUR,),
    "years ahead and back": (12 * 365 * DAY, -12 * 365 * DAY),
    "by two seconds, twelve times": (2.0, -2.0) * 6,
    "a minute ahead before a new bundle goes live, and back after": (-60.0,),
}
SWAPPING = list(JUMPS)[-1]
IN_FLIGHT, BETWEEN = 6, 60  # requests
PATIENCE = {"MOODFEED_GATEWAY_ATTEMPT_SECONDS": "2", "MOODFEED_GATEWAY_DEADLINE_SECONDS": "5"}
START_SECONDS = 180.0
"""A guest has one slow processor, and reads an encoder in half a minute."""
COUNTED = ("requests", "degraded", "failed", "wrong", "bundles")


def jump(seconds: float) -> None:
    """Move the wall clock."""
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)


def main() -> None:
    """Jump by jump: start the load, move the clock in the middle of it, count what became of every request."""
    if "model name\t: UML" not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        sys.exit("this moves the machine's clock: it runs in a guest only, see tests/faults/test_clock_jumps.py")
    root, output = map(Path, sys.argv[1:])
    current = (root / "current").resolve().name
    directories = sorted(path for path in root.iterdir() if not path.is_symlink())
    expectations = Expectations(directories)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        fleet = stack.enter_context(
            running_fleet(root, scratch / "logs", settings=PATIENCE, start_seconds=START_SECONDS)
        )
        for name, steps in JUMPS.items():
            if name == SWAPPING:
                jump(60.0)
                make_current(fleet, next(item.name for item in directories if item.name != current))
            with running_load(fleet.target, expectations, in_flight=IN_FLIGHT) as outcomes:
                wait_for_requests(outcomes, BETWEEN)
                for step in steps:
                    jump(step)
                    wait_for_requests(outcomes, BETWEEN)
            with output.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"name": name} | {key: getattr(outcomes, key) for key in COUNTED}) + "\n")


def read_outcomes(output: Path) -> dict[str, Outcomes]:
    """What the guest counted, by the jump."""
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()] if output.exists() else []
    return {
        line["name"]: Outcomes(
            requests=line["requests"],
            degraded=Counter(line["degraded"]),
            failed=Counter(line["failed"]),
            wrong=line["wrong"],
            bundles=Counter(line["bundles"]),
        )
        for line in lines
    }


if __name__ == "__main__":
    main()
