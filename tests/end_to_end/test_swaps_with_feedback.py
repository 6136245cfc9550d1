"""Bundles with a position are published while people go on: no acknowledged event is lost, and none counts twice."""

import random
import threading
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle, point_current_at, write_bundle
from bundle.known_users import KnownUsers
from post_index_service.loading import load as load_index
from post_index_service.query import Query
from store.interactions import Verb
from store.sql_store import SqlStore, open_store
from tests.end_to_end.test_feedback import POSTS, Product, running
from tests.tiny_bundle import MANIFEST, tiny_files
from two_tower.interaction_strengths import SKIP_STRENGTH, PersonEvent, RatingScale, score_person
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog

PEOPLE = [f"person {number}" for number in range(12)]
VERBS = {"VERB_VIEW": "view", "VERB_LIKE": "like", "VERB_INSPIRE": "inspire", "VERB_SKIP": "view"}
ROUNDS = 4


def collected(store: SqlStore, position: int) -> KnownUsers:
    """What a pipeline makes of the log up to a position, by the rule of the strengths alone."""
    events: dict[str, list[PersonEvent]] = defaultdict(list)
    for batch in store.events_up_to(position):
        for each in batch:
            verb = "view" if each.verb is Verb.SKIP else each.verb.name.lower()
            strength = SKIP_STRENGTH if each.verb is Verb.SKIP else None
            events[each.username].append(
                PersonEvent(each.post_id, verb, each.occurred_at_ms, None, strength)  # type: ignore[arg-type]
            )
    names = sorted(events)
    scored = [score_person(events[name], RatingScale()) for name in names]
    offsets = np.concatenate([[0], np.cumsum([len(each.post_ids) for each in scored])]).astype(np.int64)

    def together(field: str, kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, kind), *(getattr(each, field) for each in scored)]).astype(kind)

    return KnownUsers(
        user_ids=np.arange(len(names)),
        usernames=tuple(names),
        offsets=offsets,
        post_ids=together("post_ids", np.int64),
        verbs=together("verbs", np.int8),
        strengths=together("strengths", np.float32),
        days=np.full(offsets[-1], -1, dtype=np.float32),
    )


def publish(bundles: Path, users: KnownUsers, position: int) -> Path:
    """The tiny bundle with other histories, made current."""

    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        CanaryEmbeddings(np.zeros((0, 8), dtype=np.float32), np.zeros((0, 8), dtype=np.float32)).write(directory)
        users.write(directory)

    manifest = replace(MANIFEST, canaries=(), log_position=position)
    directory = write_bundle(bundles, manifest, write_files=write_files, sidecar={})
    point_current_at(bundles, directory.name)
    return directory


def scores(product: Product, name: str, bundle_id: str) -> dict[int, float]:
    feed = product.feed(name, page_size=10, required_bundle_id=bundle_id, at_least_position=1)
    return {post.post_id: post.score for post in feed.posts}


def wait_for(product: Product, bundle_id: str) -> None:
    deadline = threading.Event()
    for _ in range(600):
        if product.feed("a stranger", mood="calm", category_id=2).bundle_id == bundle_id:
            return
        deadline.wait(0.05)
    raise AssertionError("the bundle did not become current in time")


def expected_scores(directory: Path, name: str, live: LiveLog | None) -> dict[int, float]:
    bundle = open_bundle(directory)
    encoder, index = Encoder(bundle, live=live), load_index(bundle)
    found = index.search(Query(user=encoder.encode_context(name, "").user, limit=10))
    return {each.post.post_id: each.score for each in found.posts}


@pytest.mark.parametrize("layout", ["three processes"])
def test_a_swap_while_people_go_on_loses_and_doubles_nothing(layout: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with running(layout, tmp_path) as product, open_store(url) as store:
        stop, acknowledged = threading.Event(), [0, 0]

        def go_on(which: int) -> None:
            """Record for half of the people each; every answer is an acknowledgement."""
            chance = random.Random(which)
            while not stop.is_set():
                rows = [
                    {
                        "event_id": f"{which} {acknowledged[which]} {row}",
                        "username": chance.choice(PEOPLE[which::2]),
                        "verb": chance.choice(sorted(VERBS)),
                        "post_id": chance.choice(sorted(POSTS)),
                    }
                    for row in range(3)
                ]
                product.record(*rows)
                acknowledged[which] += 1

        writers = [threading.Thread(target=go_on, args=(which,)) for which in (0, 1)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(ROUNDS):
                position = store.position()
                directory = publish(tmp_path / "bundles", collected(store, position), position)
                wait_for(product, directory.name)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        head = store.position()
        assert sum(len(batch) for batch in store.events_up_to(head)) == 3 * sum(acknowledged)
        assert head > position > 0

        # What came after the last bundle counts once: as one who reads the log alone says.
        live = LiveLog(lambda: open_store(url), begin_after=position)
        with live.followed():
            for name in PEOPLE:
                assert scores(product, name, directory.name) == expected_scores(directory, name, live)
        # And a bundle that holds all of it is served as it is.
        directory = publish(tmp_path / "bundles", collected(store, head), head)
        wait_for(product, directory.name)
        for name in PEOPLE:
            assert scores(product, name, directory.name) == expected_scores(directory, name, None)
