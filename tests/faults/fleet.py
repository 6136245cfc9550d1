"""Two replicas of each compute service and a gateway as real processes, to be killed, paused and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from rpc.probe import is_serving

GATEWAY = "gateway"
GATEWAYS = (GATEWAY, "gateway-2")
TOWERS = ("user_tower_service-1", "user_tower_service-2")
INDEXES = ("post_index_service-1", "post_index_service-2")
_GATEWAY_VARIABLES = {
    "user_tower_service": "MOODFEED_GATEWAY_USER_TOWER_ADDRESS",
    "post_index_service": "MOODFEED_GATEWAY_POST_INDEX_ADDRESS",
}
_PREFIXES = {"user_tower_service": "MOODFEED_USER_TOWER", "post_index_service": "MOODFEED_POST_INDEX"}


@dataclass(slots=True)
class Fleet:
    """The processes by name; everything that a test starts here, it stops here, by its process id."""

    bundles: Path
    logs: Path
    addresses: Mapping[str, str]
    http_addresses: Mapping[str, str]
    settings: dict[str, str]
    modules: Mapping[str, tuple[str, ...]]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Where the gateway answers gRPC."""
        return self.addresses[GATEWAY]

    @property
    def http_address(self) -> str:
        """Where the gateway answers HTTP."""
        return self.http_addresses[GATEWAY]

    def start(self, name: str) -> None:
        """Start a process; it need not serve yet."""
        service = name.partition("-")[0]
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "MOODFEED_BUNDLES": str(self.bundles),
        }
        if service == GATEWAY:
            environment |= {
                "MOODFEED_GATEWAY_GRPC_ADDRESS": self.addresses[name],
                "MOODFEED_GATEWAY_HTTP_ADDRESS": self.http_addresses[name],
            }
        else:
            prefix = _PREFIXES[service]
            environment |= {f"{prefix}_ADDRESS": self.addresses[name], f"{prefix}_METRICS_PORT": "0"}
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *self.modules.get(name, ("-m", service))],
                env=environment | self.settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_serving(self, *names: str, seconds: float = 60.0) -> None:
        """Block until the health of each says SERVING."""
        for name in names:
            what = f"{name} is SERVING"
            self.wait_until(lambda name=name: is_serving(self.addresses[name]), what=what, seconds=seconds)

    def wait_until_gateway_sees(self, *, towers: int, indexes: int) -> None:
        """Block until each gateway counts so many replicas that are well."""
        for name, address in self.http_addresses.items():
            self.wait_until(
                lambda address=address: replicas_well(address) == (towers, indexes),
                what=f"{name} sees {towers} towers and {indexes} indexes",
            )

    def wait_until(self, is_so: Callable[[], bool], *, what: str, seconds: float = 60.0) -> None:
        """Poll; AssertionError with the last words of every process if it does not come true in time."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                words = {name: self.log(name).splitlines()[-3:] for name in self.processes}
                raise AssertionError(f"not in time: {what}; {words}")
            time.sleep(0.05)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process."""
        self.processes[name].send_signal(number)

    def wait_for_end(self, name: str, *, seconds: float = 30.0) -> int:
        """The exit code."""
        return self.processes[name].wait(seconds)

    def log(self, name: str) -> str:
        """All that a process wrote."""
        return (self.logs / f"{name}.log").read_text(errors="replace", encoding="utf-8")

    def memory_bytes(self, name: str) -> int:
        """Resident memory of a process."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text(encoding="utf-8")
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def stop_all(self) -> None:
        """Continue what is paused, ask all to end, and kill what does not."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def replicas_well(http_address: str) -> tuple[int, int]:
    """How many towers and how many indexes a gateway counts as well, by its metrics."""
    lines = httpx.get(f"http://{http_address}/metrics", timeout=5).text.splitlines()
    well = dict(line.rsplit(" ", 1) for line in lines if line.startswith("moodfeed_downstream_replicas_well{"))
    towers, indexes = (
        int(float(well.get(f'moodfeed_downstream_replicas_well{{service="{service}"}}', 0)))
        for service in ("user_tower_service", "post_index_service")
    )
    return towers, indexes


@contextmanager
def running_fleet(
    bundles: Path,
    logs: Path,
    *,
    replicas: int = 2,
    gateways: int = 1,
    settings: Mapping[str, str] | None = None,
    modules: Mapping[str, tuple[str, ...]] | None = None,
    others: Sequence[str] = (),
    proxy: Callable[[str], AbstractContextManager[str]] = nullcontext,
    start_seconds: float = 60.0,
) -> Iterator[Fleet]:
    """Run ``replicas`` of each service behind ``gateways``, which by default remember no contexts: their memory would
    hide the faults of the user tower from a load that repeats itself.

    ``modules`` are other arguments of Python for a process; ``others`` are addresses that the gateway takes for
    replicas too; ``proxy`` stands between the gateway and each replica.
    """
    names = (*TOWERS[:replicas], *INDEXES[:replicas], *GATEWAYS[:gateways])
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(len(names) + gateways)]
    free = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    logs.mkdir(parents=True, exist_ok=True)
    environment = {"MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE": "0", **(settings or {})}
    fleet = Fleet(
        bundles,
        logs,
        dict(zip(names, free, strict=False)),
        dict(zip(GATEWAYS, free[len(names) :], strict=False)),
        environment,
        dict(modules or {}),
    )
    with ExitStack() as stack:
        stack.callback(fleet.stop_all)
        for service, variable in _GATEWAY_VARIABLES.items():
            seen = [stack.enter_context(proxy(fleet.addresses[name])) for name in names if name.startswith(service)]
            fleet.settings[variable] = ",".join([*seen, *others])
        for name in names:
            fleet.start(name)
        fleet.wait_until_serving(*names, seconds=start_seconds)
        fleet.wait_until_gateway_sees(towers=replicas, indexes=replicas)
        yield fleet
