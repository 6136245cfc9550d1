"""The wall clock jumps while requests are in flight: in a guest kernel, as this machine's clock is not ours to move.

The guest is User Mode Linux (Debian's package user-mode-linux): a real kernel as a process, on this machine's files,
with a clock and a loopback of its own.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.jumping_clock import JUMPS, SWAPPING, read_outcomes
from tests.faults.load import Outcomes

ROOT = Path(__file__).parents[2]
GUEST_SECONDS = 1500
pytestmark = pytest.mark.timeout(GUEST_SECONDS + 60)
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /dev && mkdir /dev/shm && mknod -m 666 /dev/null c 1 3 && mknod -m 444 /dev/urandom c 1 9
ip link set lo up || ifconfig lo up
cd {root}
{python} -m tests.faults.jumping_clock {bundles} {output} 2>&1
sync
{python} -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321FEDC)'
"""


@pytest.fixture(scope="module")
def counted(three_bundles: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    """What became of every request in the guest, by the jump."""
    kernel = shutil.which("linux.uml")
    if kernel is None:
        pytest.fail("the clock jumps in User Mode Linux: install it first (Debian: apt install user-mode-linux)")
    scratch = tmp_path_factory.mktemp("guest")
    bundles, output, init = scratch / "bundles", scratch / "outcomes.jsonl", scratch / "init"
    for directory in three_bundles[:2]:
        shutil.copytree(directory, bundles / directory.name, copy_function=os.link)
    (bundles / "current").symlink_to(three_bundles[0].name)
    places = {"root": ROOT, "python": sys.executable, "bundles": bundles, "output": output}
    init.write_text(INIT.format(**{name: shlex.quote(str(path)) for name, path in places.items()}), encoding="utf-8")
    init.chmod(0o755)
    command = [kernel, "rootfstype=hostfs", "rw", f"init={init}", "mem=3G", "con=null", "con0=null,fd:1", "quiet"]
    with (scratch / "console").open("wb") as console:
        guest = subprocess.Popen(
            command,
            env=os.environ | {"TMPDIR": str(scratch), "HOME": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
        try:
            guest.wait(GUEST_SECONDS)
        finally:
            if guest.poll() is None:
                os.killpg(guest.pid, signal.SIGKILL)
                guest.wait()
    found = read_outcomes(output)
    assert set(found) == set(JUMPS), (scratch / "console").read_text(errors="replace", encoding="utf-8")[-3000:]
    return found


@pytest.mark.parametrize("name", JUMPS)
def test_a_clock_that_jumps_costs_no_request(
    counted: dict[str, Outcomes], three_bundles: list[Path], name: str
) -> None:
    outcomes = counted[name]
    outcomes.record(f"the clock jumps {name}", injected="CLOCK_REALTIME set in a guest kernel, beside 6 in flight")
    assert (outcomes.wrong, outcomes.failed, outcomes.degraded) == ([], {}, {})
    assert set(outcomes.bundles) == {three_bundles[name == SWAPPING].name}
