"""What every engine of the post index must answer, over gRPC: a module of tests for an engine gives ``opened``."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import numpy as np
import pytest

from bundle.embedding_space import EmbeddingKind
from compute.log_tail import LogTail
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.post_index.v1 import post_index_pb2
from moodfeed.rules.v1 import rules_pb2
from rpc.errors import read_error_info
from store.sql_store import open_store
from tests.post_index_service.contract_world import (
    OWNERS,
    SIZES,
    Asked,
    Search,
    Stub,
    contract_posts,
    embedding,
    keep_embeddings,
    make_current,
    ranking_of,
    values,
    write_contract_bundle,
)

POSTS = contract_posts()
IDS = POSTS.post_ids.tolist()
NEW = 900_001

Opened = Callable[..., AbstractContextManager[Stub]]
"""Serves a directory of bundles, and ``bring`` what the engine needs of a bundle before it is served."""


class PostIndexContract:
    """Tests of one engine; a subclass has the fixtures ``opened`` and ``bring``."""

    @pytest.fixture(scope="class")
    @classmethod
    def bundle(cls, tmp_path_factory: pytest.TempPathFactory, bring: Callable[[Path], None]) -> Path:
        root = tmp_path_factory.mktemp("bundles")
        directory = write_contract_bundle(root, POSTS)
        bring(directory)
        make_current(root, directory)
        return directory

    @pytest.fixture(scope="class")
    @classmethod
    def index(cls, bundle: Path, opened: Opened) -> Iterator[Stub]:
        with opened(bundle.parent) as stub:
            yield stub

    @pytest.mark.parametrize("seed", range(60))
    def test_the_pages_of_a_search_are_the_whole_ranking_once(self, index: Stub, bundle: Path, seed: int) -> None:
        asked = _any_search(np.random.default_rng(seed))
        expected = ranking_of(POSTS, asked)
        limit = [7, 40, 100][seed % 3]
        found, numbers, offset = [], [], 0
        while offset < 5 * limit:
            page = index.SearchPosts(asked.message(bundle.name, offset=offset, limit=limit), timeout=30)
            assert not page.approximate
            assert page.has_more == (offset + limit < len(expected))
            found += [post.post_id for post in page.posts]
            numbers += [post.ranking_score for post in page.posts]
            offset += limit
        assert found == expected[: 5 * limit]
        assert numbers == sorted(numbers, reverse=True)

    @pytest.mark.parametrize("kind", ["user", "mood", "both"])
    def test_the_last_page_of_a_category_ends_its_ranking(self, index: Stub, bundle: Path, kind: str) -> None:
        asked = Asked(user=1 if kind != "mood" else None, mood=2 if kind != "user" else None, category_id=2)
        page = index.SearchPosts(asked.message(bundle.name, offset=850, limit=100), timeout=30)
        assert [post.post_id for post in page.posts] == ranking_of(POSTS, asked)[850:]
        assert not page.has_more

    def test_scores_are_those_of_the_bundle_to_the_last_bit(self, index: Stub, bundle: Path) -> None:
        page = index.SearchPosts(Asked(user=4).message(bundle.name), timeout=30)
        scores = np.einsum("rd,d->r", POSTS.tower_embeddings, values(EmbeddingKind.TOWER, 4))
        assert [post.score for post in page.posts] == [float(scores[IDS.index(post.post_id)]) for post in page.posts]

    def test_categories_are_listed_with_their_counts(self, index: Stub) -> None:
        listed = index.ListCategories(post_index_pb2.ListCategoriesRequest()).categories
        assert {item.category_id: item.post_count for item in listed} == {k: n for k, n in SIZES.items() if k}

    def test_what_cannot_be_searched_is_refused_by_name(self, index: Stub, bundle: Path) -> None:
        def reason(message: Search) -> str:
            with pytest.raises(grpc.RpcError) as caught:
                index.SearchPosts(message, timeout=30)
            return read_error_info(caught.value).reason

        assert reason(Asked(user=1, category_id=5).message(bundle.name)) == "CATEGORY_NOT_FOUND"
        assert reason(Asked(similar_to=999_999).message(bundle.name)) == "POST_NOT_FOUND"
        assert reason(Search(limit=10, bundle_id="c" * 64)) == "BUNDLE_NOT_HELD"
        foreign = Search(limit=10, user_embedding=embedding("c" * 64, EmbeddingKind.TOWER, 1))
        assert reason(foreign) == "EMBEDDING_SPACE_MISMATCH"
        assert reason(Search(limit=101)) == "SEARCH_INVALID"

    def test_a_page_can_be_diverse_and_limited_by_account(self, index: Stub, bundle: Path) -> None:
        message = Asked(user=3, category_id=2).message(bundle.name, limit=8, diversity=0.5, most_per_owner=2)
        owners = [post.owner_username for post in index.SearchPosts(message, timeout=30).posts]
        assert len(owners) == 8
        assert {owners.count(name) for name in OWNERS} == {2}

    def test_live_posts_are_found_from_their_position_on_and_pages_stay_as_they_were(
        self, bundle: Path, opened: Opened, tmp_path: Path
    ) -> None:
        """Own writes at once: each search names the position of the write, and nothing else waits."""
        url = f"sqlite:///{tmp_path}/store.sqlite"
        asked = Asked(user=5, category_id=2)
        before = ranking_of(POSTS, asked)
        with open_store(url) as store:
            log = LogTail(lambda: open_store(url))
            with log.followed(), opened(bundle.parent, log=log) as index:

                def shown(**fields: object) -> list[int]:
                    page = index.SearchPosts(asked.message(bundle.name, limit=20, **fields), timeout=30)
                    assert not page.approximate
                    return [post.post_id for post in page.posts]

                first = index.SearchPosts(asked.message(bundle.name, limit=20), timeout=30)
                assert [post.post_id for post in first.posts] == before[:20]
                begun = first.posts_position
                vector = values(EmbeddingKind.TOWER, 5)
                moved, deleted = before[600], before[0]
                index.UpsertPosts(post_index_pb2.UpsertPostsRequest(posts=[_post(NEW), _post(moved)]), timeout=30)
                position = keep_embeddings(store, bundle.name, {NEW: vector, moved: vector})
                assert shown(at_least_position=position) == [*sorted([moved, NEW]), *before[:18]]
                gone = index.DeletePosts(post_index_pb2.DeletePostsRequest(post_ids=[deleted]), timeout=30).position
                assert shown(at_least_position=gone) == [*sorted([moved, NEW]), *before[1:19]]
                assert shown(posts_position=begun, offset=20) == before[20:40]
                assert shown(posts_position=begun, offset=590) == before[590:610]
                assert shown(posts_position=begun) == before[1:20]  # it keeps its place and is not shown
                index.DeletePosts(post_index_pb2.DeletePostsRequest(post_ids=[NEW, moved]), timeout=30)
                started = time.monotonic()
                while NEW in shown():
                    assert time.monotonic() < started + 1.0, "everywhere within a second"
                assert shown() == before[1:21]

    def test_rules_move_and_hide_posts(self, bundle: Path, opened: Opened, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/store.sqlite"
        asked = Asked(user=6, category_id=7)
        ranking = ranking_of(POSTS, asked)
        pin, hide = ranking[200], ranking[1]
        with open_store(url):
            log = LogTail(lambda: open_store(url))
            with log.followed(), opened(bundle.parent, log=log) as index:
                position = 0
                for name, rule in (
                    ("pin", rules_pb2.Rule(name="pin", action=rules_pb2.RULE_ACTION_PIN, post_ids=[pin])),
                    ("hide", rules_pb2.Rule(name="hide", action=rules_pb2.RULE_ACTION_HIDE, post_ids=[hide])),
                ):
                    assert name == rule.name
                    position = index.SetRule(post_index_pb2.SetRuleRequest(rule=rule), timeout=30).position
                page = index.SearchPosts(asked.message(bundle.name, limit=5, at_least_position=position), timeout=30)
                assert [post.post_id for post in page.posts] == [pin, ranking[0], *ranking[2:5]]

    def test_a_swap_under_load_fails_no_search_and_mixes_none(
        self, opened: Opened, bring: Callable[[Path], None], tmp_path: Path
    ) -> None:
        worlds = {}
        for seed in (1, 2):
            posts = contract_posts(seed)
            directory = write_contract_bundle(tmp_path, posts)
            bring(directory)
            worlds[directory] = [ranking_of(posts, Asked(user=number, category_id=2))[:20] for number in range(4)]
        first, second = worlds
        make_current(tmp_path, first)
        answers: list[tuple[str, int, list[int]]] = []
        failures: list[str] = []
        is_over = threading.Event()

        def search(stub: Stub, number: int) -> None:
            while not is_over.is_set():
                current = (tmp_path / "current").resolve().name
                try:
                    message = Asked(user=number, category_id=2).message(current, limit=20)
                    page = stub.SearchPosts(message, timeout=30)
                except grpc.RpcError as error:
                    reason = read_error_info(error).reason
                    if reason != "EMBEDDING_SPACE_MISMATCH":  # the link is newer than what is held: asked again
                        failures.append(f"{error.code()} {reason}")
                    continue
                if page.approximate:
                    failures.append("approximate")
                answers.append((page.bundle_id, number, [post.post_id for post in page.posts]))

        with opened(tmp_path, watches=True) as stub:
            threads = [threading.Thread(target=search, args=(stub, number)) for number in range(4)]
            for thread in threads:
                thread.start()
            for directory in (second, first, second):
                time.sleep(0.5)
                make_current(tmp_path, directory)
                deadline = time.monotonic() + 30
                while not answers or answers[-1][0] != directory.name:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            time.sleep(0.3)
            is_over.set()
            for thread in threads:
                thread.join()
        assert failures == []
        assert {bundle_id for bundle_id, _, _ in answers} == {first.name, second.name}
        rankings = {directory.name: found for directory, found in worlds.items()}
        mixed = [bundle_id for bundle_id, number, found in answers if rankings[bundle_id][number] != found]
        assert mixed == []


def _post(post_id: int) -> catalog_pb2.Post:
    return catalog_pb2.Post(
        post_id=post_id, category_id=2, video_link=f"https://video.example/{post_id}", title=f"post {post_id}"
    )


def _any_search(random: np.random.Generator) -> Asked:
    def some(count: int) -> list[int]:
        return random.choice([*IDS, -1, 999_999], size=count).tolist()

    def maybe(value: object, otherwise: object) -> object:
        return value if random.random() < 0.25 else otherwise

    user = int(random.integers(9)) if random.random() < 0.75 else None
    mood = int(random.integers(9)) if random.random() < 0.5 else None
    return Asked(
        user=user,
        mood=mood,
        category_id=[None, 2, 2, 7][random.integers(4)],
        exclude=maybe(some(200), []),
        called=maybe([f"video-{number}" for number in some(50)], []),
        seen=maybe(some([20, 400][random.integers(2)]), []),
        owners=maybe(['o"quote', "béla", "nobody"], []),
        languages=maybe(["En"], []),
        created_after_ms=maybe(1_767_225_600_200, None),
        categories=maybe([2, 7], []),
        excluded_categories=maybe([9, 7], []) if random.random() < 0.5 else [],
        similar_to=maybe(IDS[int(random.integers(len(IDS)))], None) if mood is None else None,
    )
