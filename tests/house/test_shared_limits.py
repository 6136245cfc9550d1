"""Limits that two processes check, each with its own constant: the gateway may not import what the services do."""

from pathlib import Path

import pytest

from bundle.directory import open_bundle
from bundle.manifest import LARGEST_DIMENSION
from compute.settings import ComputeSettings
from gateway import feed_types, feedback_types, gathering, served_memory
from gateway.feed_types import FeedRequest
from gateway.http_bodies import LARGEST_BODY_BYTES
from gateway.settings import LARGEST_FEEDBACK_BYTES, LARGEST_REQUEST_BYTES
from gateway.settings import Settings as GatewaySettings
from moodfeed.feed.v1.feed_comments import COMMENTS
from post_index_service import query_checks
from post_index_service.service import LARGER_REQUESTS, SERVICE_NAME
from store import interactions, served_claims
from tests.tiny_bundle import write_tiny_bundle
from user_tower_service import encoder, shown_posts
from user_tower_service import service as user_tower_edge
from user_tower_service.encoder import Encoder
from user_tower_service.live_people import MOST_NOT_INTERESTED

WHITE_SPACE = [character for character in map(chr, range(0x10000)) if character.isspace()]
LOOKS_BLANK = ["\u200b", "\ufeff", "\u2800", "\x00"]


def test_gateway_and_services_have_the_same_limits() -> None:
    assert feed_types.LONGEST_MOOD == encoder.LONGEST_MOOD
    assert feed_types.LARGEST_PAGE_SIZE == query_checks.LARGEST_LIMIT
    assert feed_types.MOST_EXCLUSIONS == query_checks.MOST_EXCLUSIONS
    assert gathering.MOST_TOGETHER <= encoder.MOST_CONTEXTS
    assert served_memory.FEED_DIGITS == served_claims.FEED_DIGITS


def test_what_the_gateway_may_send_to_the_index_is_read_by_it() -> None:
    shown = shown_posts.MOST_SHOWN + shown_posts.MOST_ELSEWHERE
    ids = encoder.MOST_SEEN + 2 * MOST_NOT_INTERESTED + shown
    seen, embeddings = ids * 11, 2 * 4 * LARGEST_DIMENSION  # an id has at most 10 bytes, and one for a tag
    read = LARGER_REQUESTS[f"/{SERVICE_NAME}/SearchPosts"]
    assert seen + embeddings + LARGEST_REQUEST_BYTES < read


def test_what_the_gateway_takes_as_feedback_is_taken_by_the_user_tower_and_the_store() -> None:
    (read,) = user_tower_edge.LARGER_REQUESTS.values()
    made_ids = feedback_types.MOST_INTERACTIONS * 64
    assert LARGEST_FEEDBACK_BYTES + made_ids < read
    assert LARGEST_FEEDBACK_BYTES == LARGEST_BODY_BYTES
    assert feedback_types.MOST_INTERACTIONS == user_tower_edge.MOST_INTERACTIONS
    assert feedback_types.LONGEST_NAME == interactions.LONGEST_USERNAME == interactions.LONGEST_EVENT_ID
    assert list(feedback_types.VERBS) == [verb.name for verb in interactions.Verb]


def test_a_hundred_callers_at_once_are_not_refused_and_the_services_queue_what_the_gateway_admits() -> None:
    admitted = GatewaySettings.model_fields["most_in_flight"].default
    assert admitted >= 100
    assert ComputeSettings.model_fields["most_waiting"].default >= admitted


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("mood", f"at most {feed_types.LONGEST_MOOD} code points"),
        ("page_size", f"0 means {feed_types.DEFAULT_PAGE_SIZE}, above {feed_types.LARGEST_PAGE_SIZE} means"),
        ("exclude_post_ids", f"at most {feed_types.MOST_EXCLUSIONS}"),
    ],
)
def test_the_contract_names_the_limits_that_the_gateway_checks(field: str, words: str) -> None:
    assert words in COMMENTS[f"moodfeed.feed.v1.GetFeedRequest.{field}"]


def test_gateway_and_user_tower_agree_on_which_moods_are_blank(tmp_path: Path) -> None:
    user_tower = Encoder(open_bundle(write_tiny_bundle(tmp_path)), mood_cache_size=0)

    def is_a_mood(text: str) -> bool:
        context = user_tower.encode_context("", text)
        return context.mood is not None or context.mood_unavailable or context.mood_not_understood

    for text in ["", " \t\n", *WHITE_SPACE, *LOOKS_BLANK, "x", " x "]:
        assert is_a_mood(text) == bool(FeedRequest("ana", mood=text).trimmed_mood), repr(text)
