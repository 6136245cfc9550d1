"""Several gateways, towers and indexes over one store, as real processes that can be killed and started again."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from benchmarks.processes import NO_TLS, Started, free_addresses, running_process
from rpc.probe import is_serving

AS_OPERATOR = {"MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE": "true"}
"""Variables of a gateway that admits changes of posts from this machine."""

_MODULES = {"gateway": "gateway", "tower": "user_tower_service", "index": "post_index_service"}


@dataclass(slots=True)
class Fleet:
    """The processes by name, such as gateway-1; all that is started here is stopped here, by its process id."""

    logs: Path
    addresses: Mapping[str, str]
    http_addresses: Mapping[str, str]
    variables: Mapping[str, str]
    processes: dict[str, Started] = field(default_factory=dict)
    _stacks: dict[str, ExitStack] = field(default_factory=dict)

    def names(self, kind: str) -> list[str]:
        """The processes of a kind: gateway, tower or index."""
        return [name for name in self.addresses if name.startswith(kind)]

    @property
    def gateways(self) -> list[str]:
        """Where the gateways answer gRPC."""
        return [self.addresses[name] for name in self.names("gateway")]

    def start(self, name: str) -> None:
        """Start a process; it need not serve yet."""
        kind = name.partition("-")[0]
        address = self.addresses[name]
        own = {
            "gateway": {
                "MOODFEED_GATEWAY_GRPC_ADDRESS": address,
                "MOODFEED_GATEWAY_HTTP_ADDRESS": self.http_addresses.get(name, ""),
            },
            "tower": {"MOODFEED_USER_TOWER_ADDRESS": address},
            "index": {"MOODFEED_POST_INDEX_ADDRESS": address},
        }[kind]
        stack = ExitStack()
        started = stack.enter_context(
            running_process(_MODULES[kind], logs=self.logs / name, variables={**self.variables, **own})
        )
        self.processes[name], self._stacks[name] = started, stack

    def wait(self, *names: str) -> None:
        """Block until each process serves, and a gateway finds all services; ProcessError if one does not."""
        for name in names:
            self.processes[name].wait_until(partial(is_serving, self.addresses[name]))
        for name in names:
            if name in self.http_addresses:
                self.processes[name].wait_until(partial(_is_whole, self.http_addresses[name]))

    def kill(self, name: str) -> None:
        """SIGKILL, and wait for the end."""
        process = self.processes[name].process
        process.kill()
        process.wait()
        self._stacks.pop(name).close()

    def stop_all(self) -> None:
        """Ask all to end, and kill what does not."""
        for name in [*self.names("gateway"), *self.names("tower"), *self.names("index")]:
            if name in self._stacks:
                self._stacks.pop(name).close()


@contextmanager
def running_fleet(
    bundles: Path,
    logs: Path,
    *,
    store_url: str,
    gateways: int = 2,
    towers: int = 2,
    indexes: int = 1,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Fleet]:
    """Serve the current bundle by so many processes of each kind over one store, an empty URL for none."""
    counts = {"index": indexes, "tower": towers, "gateway": gateways}
    names = [f"{kind}-{number}" for kind, count in counts.items() for number in range(1, count + 1)]
    free = free_addresses(len(names) + gateways)
    addresses = dict(zip(names, free, strict=False))
    shared = {
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_STORE_URL": store_url,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": ",".join(addresses[name] for name in names if name.startswith("tower")),
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": ",".join(addresses[name] for name in names if name.startswith("index")),
    }
    of_http = {f"gateway-{number + 1}": address for number, address in enumerate(free[len(names) :])}
    fleet = Fleet(logs, addresses, of_http, shared | dict(variables or {}))
    with ExitStack() as stack:
        stack.callback(fleet.stop_all)
        for name in names:
            fleet.start(name)
        fleet.wait(*names)
        yield fleet


def _is_whole(http_address: str) -> bool:
    try:
        reply = httpx.get(f"http://{http_address}/readyz", timeout=2, trust_env=False, verify=NO_TLS)
        return not reply.json()["degraded"]
    except (httpx.HTTPError, ValueError, KeyError):
        return False
