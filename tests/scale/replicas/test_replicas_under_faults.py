"""Two gateways, towers and indexes over PostgreSQL with a synchronous standby: nothing acknowledged is ever lost."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.scale.postgresql_pair import PostgresqlPair, running_pair, url_of
from store.sql_store import open_store
from tests.faults.cutting_proxy import cutting_proxy
from tests.faults.fleet import GATEWAYS, INDEXES, TOWERS, Fleet, running_fleet
from tests.scale.replicas.living_load import LivingLoad, running_living_load, wait_for_acknowledgements

pytestmark = pytest.mark.timeout(600)
_ENOUGH = 40  # acknowledgements before and after a fault


@dataclass(frozen=True, slots=True)
class Replicas:
    """The whole product: two of each process, and two databases."""

    fleet: Fleet
    database: PostgresqlPair
    category_id: int

    @contextmanager
    def under_load(self, fault: str, *, injected: str) -> Iterator[LivingLoad]:
        """People and posts go on while the block runs; at its end every promise must have been kept."""
        targets = [self.fleet.addresses[name] for name in GATEWAYS]
        with running_living_load(targets, name=fault, category_id=self.category_id) as load:
            wait_for_acknowledgements(load, _ENOUGH)
            yield load
            wait_for_acknowledgements(load, _ENOUGH)
        load.living.record(f"living: {fault}", injected=injected)
        self.check(load)

    def check(self, load: LivingLoad) -> None:
        """Everything acknowledged is in the store, once; nothing wrong was answered."""
        assert load.living.wrong == []
        with open_store(self.database.url) as store:
            kept = Counter(each.event_id for batch in store.events_up_to(store.position()) for each in batch)
            revisions = store.posts_by_id([*load.living.kept_posts, *load.living.deleted_posts])
        assert [name for name in load.living.acknowledged if kept[name] != 1] == []
        assert len(set(load.living.acknowledged)) == len(load.living.acknowledged)
        titles = {post_id: each.post.title for post_id, each in revisions.items() if each.post is not None}
        assert titles == load.living.kept_posts


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresqlPair]:
    """Both servers, and the tables of the store."""
    with running_pair() as pair:
        with open_store(pair.url):
            pass
        yield pair


@contextmanager
def running_replicas(
    bundles: Path,
    logs: Path,
    database: PostgresqlPair,
    *,
    store_url: str,
    proxy: Callable[[str], AbstractContextManager[str]] = nullcontext,
) -> Iterator[Replicas]:
    """Two gateways, towers and indexes; ``proxy`` stands between the gateways and the others."""
    settings = {"MOODFEED_STORE_URL": store_url, "MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE": "true"}
    with running_fleet(bundles, logs, gateways=2, settings=settings, proxy=proxy) as fleet:
        categories = httpx.get(f"http://{fleet.http_address}/categories", timeout=30).json()["categories"]
        largest = max(categories, key=lambda category: category["post_count"])
        yield Replicas(fleet, database, largest["category_id"])


@pytest.fixture(scope="module")
def replicas(
    small_bundles: Path, database: PostgresqlPair, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Started once for most faults: each leaves everything well again."""
    logs = tmp_path_factory.mktemp("replicas") / "logs"
    with running_replicas(small_bundles, logs, database, store_url=database.url) as running:
        yield running


@pytest.mark.parametrize("name", [TOWERS[0], INDEXES[0], GATEWAYS[1]])
@pytest.mark.parametrize(("number", "words"), [(signal.SIGKILL, "kill -9"), (signal.SIGTERM, "SIGTERM")])
def test_a_process_that_ends_loses_nothing(name: str, number: signal.Signals, words: str, replicas: Replicas) -> None:
    fleet = replicas.fleet
    with replicas.under_load(f"{words} of {name}", injected=f"{words} of one of two, restart") as load:
        fleet.send(name, number)
        fleet.wait_for_end(name)
        wait_for_acknowledgements(load, _ENOUGH)
        fleet.start(name)
        fleet.wait_until_serving(name)
        fleet.wait_until_gateway_sees(towers=2, indexes=2)


@pytest.mark.parametrize("name", [TOWERS[0], INDEXES[0], GATEWAYS[1]])
def test_a_process_that_stands_still_loses_nothing(name: str, replicas: Replicas) -> None:
    fleet = replicas.fleet
    with replicas.under_load(f"SIGSTOP of {name}", injected="SIGSTOP of one of two, SIGCONT after 8 s") as load:
        fleet.send(name, signal.SIGSTOP)
        try:
            wait_for_acknowledgements(load, _ENOUGH)
            time.sleep(8)  # longer than the silence that ends an attempt, and than any health check
        finally:
            fleet.send(name, signal.SIGCONT)
        fleet.wait_until_gateway_sees(towers=2, indexes=2)


def test_a_database_that_is_killed_and_recovers_loses_nothing(replicas: Replicas) -> None:
    with replicas.under_load("PostgreSQL restarts", injected="kill -9 of the primary, start after 2 s"):
        replicas.database.kill_primary()
        time.sleep(2)
        replicas.database.restart_primary()


@pytest.mark.parametrize("server", ["primary", "standby"])
def test_a_database_that_stands_still_holds_back_writes_and_no_feed(server: str, replicas: Replicas) -> None:
    with replicas.under_load(f"the {server} stops responding", injected=f"SIGSTOP of the {server} for 8 s") as load:
        with replicas.database.paused(primary=server == "primary"):
            answers = [feed(replicas, name) for name in GATEWAYS for _ in range(10) if time.sleep(0.4) is None]
        assert [answer.status_code for answer in answers] == [200] * 20, load.living.failed
        assert [answer.json()["degradations"] for answer in answers] == [[]] * 20


def test_a_failover_to_the_synchronous_standby_loses_nothing(replicas: Replicas) -> None:
    database = replicas.database
    with replicas.under_load(
        "PostgreSQL fails over", injected="kill -9 of the primary, promotion of its synchronous standby"
    ) as load:
        database.fail_over()
        wait_for_acknowledgements(load, _ENOUGH)
        database.make_standby_again()
    with replicas.under_load("PostgreSQL fails over again", injected="the same, back to the first server"):
        database.fail_over()
    database.make_standby_again()


def test_connections_that_are_cut_lose_nothing(small_bundles: Path, database: PostgresqlPair, tmp_path: Path) -> None:
    with ExitStack() as stack:
        addresses = [stack.enter_context(cutting_proxy(address)) for address in database.addresses]
        running = stack.enter_context(
            running_replicas(
                small_bundles, tmp_path / "logs", database, store_url=url_of(*addresses), proxy=cutting_proxy
            )
        )
        fault = "connections are cut between all processes and PostgreSQL"
        with running.under_load(fault, injected="proxies that cut each after 0.3 to 1 s") as load:
            wait_for_acknowledgements(load, 5 * _ENOUGH)


def feed(replicas: Replicas, gateway: str) -> httpx.Response:
    address = replicas.fleet.http_addresses[gateway]
    query = {"username": "nobody", "category_id": replicas.category_id, "mood": "calm"}
    return httpx.get(f"http://{address}/feed", params=query, timeout=10)
