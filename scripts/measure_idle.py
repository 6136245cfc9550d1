"""Measure the processor time of an idle stack of containers.

    docker compose up --build --wait
    .venv/bin/python scripts/measure_idle.py --minutes 3

It reads, twice, what the kernel has counted for each container's control group: the service, its init and every health
probe that the engine starts inside. What the engine itself spends to start a probe is outside of the containers: where
dockerd runs on this machine, its processes are shown beside them, together with the probes, which are its children.
"""

import argparse
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SHOWS_PROCESSOR_TIME = "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null; true"
ENGINE = ("dockerd", "containerd", "containerd-shim")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of processor time so far, by what took them, and the moment in seconds of a clock that never jumps."""

    moment: float
    spent: dict[str, float]


def names_of_containers(project: str) -> list[str]:
    """The containers of a Compose project that run; SystemExit if there are none."""
    label = f"label=com.docker.compose.project={project}"
    names = sorted(_docker("ps", "--filter", label, "--format", "{{.Names}}").split())
    if not names:
        raise SystemExit(f"no container of the project {project} runs: docker compose up --build --wait")
    return names


def read(names: list[str]) -> Reading:
    """What each container, and the engine if it is of this machine, has taken until now."""
    spent = {name: processor_seconds(_docker("exec", name, "sh", "-c", SHOWS_PROCESSOR_TIME)) for name in names}
    spent["engine"] = sum(seconds_of_process(directory) for directory in Path("/proc").glob("[0-9]*"))
    return Reading(time.monotonic(), spent)


def processor_seconds(counted: str) -> float:
    """What a control group counted: ``usage_usec`` of version 2, or one number of nanoseconds of version 1."""
    first, *_ = counted.splitlines()
    name, _, microseconds = first.partition(" ")
    return int(microseconds) / 1e6 if name == "usage_usec" else int(first) / 1e9


def seconds_of_process(directory: Path) -> float:
    """What a process of the engine and its ended children have taken; 0 for any other process."""
    try:
        name, _, rest = (directory / "stat").read_text(encoding="utf-8").partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    if not name.startswith(ENGINE):
        return 0.0
    return sum(map(int, rest.split()[11:15])) / TICKS_PER_SECOND


def shares(before: Reading, after: Reading) -> dict[str, float]:
    """Per cent of one core, by what took it."""
    seconds = after.moment - before.moment
    return {name: 100 * (after.spent[name] - before.spent[name]) / seconds for name in before.spent}


def main() -> None:
    """Measure, and print one line a container."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", default=Path.cwd().name, help="name of the Compose project (this directory's)")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    arguments = parser.parse_args()
    names = names_of_containers(arguments.project)
    before = read(names)
    time.sleep(60 * arguments.minutes)
    found = shares(before, read(names))
    engine = found.pop("engine")
    if arguments.json:
        print(json.dumps({"containers": found, "all": sum(found.values()), "engine": engine}))
        return
    for name, share in (
        *found.items(),
        ("all containers", sum(found.values())),
        ("the engine, with the probes that it starts", engine),
    ):
        print(f"{name:40} {share:6.2f} % of a core")


def _docker(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - our own arguments
        ["docker", *arguments],  # noqa: S607 - wherever it is installed
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    ).stdout


if __name__ == "__main__":
    main()
