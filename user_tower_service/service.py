"""The gRPC edge of the user tower service: it turns messages into calls of the encoder, and results into messages."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from bundle.held_bundles import BundleNotHeldError, HeldBundles
from bundle.manifest import BundleError
from compute.embedding_messages import write_embedding, write_recent_history, write_space
from moodfeed.feedback.v1 import feedback_pb2
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.deadline import remaining_seconds
from rpc.errors import ErrorRow, ErrorTable
from rpc.tracing import current
from store.errors import InvalidInteractionError, StoreUnavailableError
from store.interactions import Recorded
from user_tower_service.encoder import (
    Context,
    ContextCountError,
    Encoder,
    MoodTooLongError,
    PostCountError,
)
from user_tower_service.live_log import LiveLog
from user_tower_service.mood_messages import write_meant_mood
from user_tower_service.people_messages import read_interaction, write_export, write_rejection, write_result
from user_tower_service.people_store import (
    InteractionCountError,
    NoStoreError,
    PeopleStore,
    PositionNotReachedError,
    SamePersonError,
    ServedCountError,
)
from user_tower_service.post_encoder import PostContent
from user_tower_service.shown_posts import ServedWish

MOST_INTERACTIONS = 1000
_BEAT_SECONDS = 0.4  # between two messages to a watcher whom nobody's change concerns
_MOST_WATCHERS = 64
_LONGEST_WAIT_SECONDS = 1.0  # for a position that is needed

SERVICE_NAME = user_tower_pb2.DESCRIPTOR.services_by_name["UserTowerService"].full_name

SLOW_METHODS = frozenset(
    f"/{SERVICE_NAME}/{method}"
    for method in ("RecordInteractions", "RememberServed", "ExportPerson", "DeletePerson", "MergePeople")
)
"""Those that wait for the store."""

LARGER_REQUESTS = {f"/{SERVICE_NAME}/RecordInteractions": 5 * 1024 * 1024}
"""4 MiB of interactions, as a gateway takes them, and the event ids that it makes."""

ERRORS: ErrorTable = {
    MoodTooLongError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOOD_TOO_LONG"),
    ContextCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CONTEXT_COUNT_OUT_OF_RANGE"),
    PostCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_COUNT_OUT_OF_RANGE"),
    InteractionCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "INTERACTION_COUNT_OUT_OF_RANGE"),
    InvalidInteractionError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "USERNAME_INVALID"),
    ServedCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_COUNT_OUT_OF_RANGE"),
    SamePersonError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "SAME_PERSON"),
    NoStoreError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "NO_STORE"),
    StoreUnavailableError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "STORE_UNAVAILABLE"),
    PositionNotReachedError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "POSITION_NOT_REACHED"),
    BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    BundleError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_REFUSED"),
}


class UserTowerService(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Serves each request with the encoder of one bundle."""

    def __init__(self, encoders: HeldBundles[Encoder], live: LiveLog | None = None) -> None:
        """``live`` follows the log that the encoders read; None without a store."""
        self._encoders = encoders
        self._live = live
        self._people = PeopleStore(live)
        self.WatchPeople = in_threads_of_its_own(self._watch_people)  # type: ignore[method-assign]

    def EncodeContext(
        self,
        request: user_tower_pb2.EncodeContextRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodeContextResponse:
        """Embed the user, if known, and the mood, if given."""
        encoder = self._encoders.named(request.bundle_id)
        self._people.catch_up(
            at_least=request.at_least_position, wanted=request.wanted_position, seconds=_seconds_to_wait(context)
        )
        current().note(bundle=encoder.bundle_id)
        encoded = encoder.encode_context(request.username, request.mood, as_of=_as_of(request), served=_served(request))
        return _context_message(encoded, encoder.bundle_id)

    def EncodeContexts(
        self,
        request: user_tower_pb2.EncodeContextsRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodeContextsResponse:
        """Embed several users and moods."""
        encoder = self._encoders.named(request.bundle_id)
        self._people.catch_up(
            at_least=max((each.at_least_position for each in request.contexts), default=0),
            wanted=max((each.wanted_position for each in request.contexts), default=0),
            seconds=_seconds_to_wait(context),
        )
        current().note(bundle=encoder.bundle_id, contexts=len(request.contexts))
        contexts = encoder.encode_contexts(
            [(each.username, each.mood) for each in request.contexts],
            as_of=[_as_of(each) for each in request.contexts],
            served=[_served(each) for each in request.contexts],
        )
        return user_tower_pb2.EncodeContextsResponse(
            contexts=[_context_message(encoded, encoder.bundle_id) for encoded in contexts]
        )

    def EncodePosts(
        self,
        request: user_tower_pb2.EncodePostsRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodePostsResponse:
        """Embed posts in both spaces."""
        encoder = self._encoders.current
        posts = [PostContent(post.post_id, post.title, post.description, post.category_id) for post in request.posts]
        return user_tower_pb2.EncodePostsResponse(
            posts=[
                user_tower_pb2.PostEmbeddings(
                    post_id=post.post_id,
                    tower_embedding=write_embedding(post.tower),
                    text_embedding=write_embedding(post.text),
                )
                for post in encoder.encode_posts(posts)
            ],
            bundle_id=encoder.bundle_id,
        )

    def GetEmbeddingSpace(
        self,
        request: user_tower_pb2.GetEmbeddingSpaceRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.GetEmbeddingSpaceResponse:
        """Return the spaces of the current bundle."""
        encoder = self._encoders.current
        return user_tower_pb2.GetEmbeddingSpaceResponse(
            tower_space=write_space(encoder.tower_space), text_space=write_space(encoder.text_space)
        )

    def RecordInteractions(
        self,
        request: user_tower_pb2.RecordInteractionsRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.RecordInteractionsResponse:
        """Record interactions; a row that cannot be stored refuses none of the others."""
        if not 1 <= len(request.interactions) <= MOST_INTERACTIONS:
            raise InteractionCountError(
                f"{len(request.interactions)} interactions given, 1 to {MOST_INTERACTIONS} are allowed"
            )
        results: list[feedback_pb2.InteractionResult | None] = []
        rows = []
        for message in request.interactions:
            try:
                rows.append(read_interaction(message))
                results.append(None)
            except InvalidInteractionError as error:
                results.append(write_rejection(str(error)))
        recorded = self._people.record(rows) if rows else Recorded(0, ())
        of_rows = map(write_result, recorded.results, (row.event_id for row in rows))
        return user_tower_pb2.RecordInteractionsResponse(
            position=recorded.position, results=[result or next(of_rows) for result in results]
        )

    def RememberServed(
        self, request: user_tower_pb2.RememberServedRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.RememberServedResponse:
        """Remember what an answer is about to show."""
        claim = self._people.remember_served(
            request.username, request.post_ids, feed_id=request.feed_id, read_up_to=request.read_up_to
        )
        return user_tower_pb2.RememberServedResponse(position=claim.position, is_taken=claim.is_taken)

    def ListPeople(
        self, request: user_tower_pb2.ListPeopleRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.ListPeopleResponse:
        """Name people of the current bundle."""
        return user_tower_pb2.ListPeopleResponse(usernames=self._encoders.current.longest_known())

    def ReadMood(
        self, request: user_tower_pb2.ReadMoodRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.ReadMoodResponse:
        """Tell what a mood is understood as by the current bundle."""
        return write_meant_mood(self._encoders.current.read_mood(request.mood))

    def ExportPerson(
        self, request: user_tower_pb2.ExportPersonRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.ExportPersonResponse:
        """Return everything that is kept about a person."""
        export = self._people.export_person(request.username)
        return user_tower_pb2.ExportPersonResponse(person=write_export(export) if export else None)

    def DeletePerson(
        self, request: user_tower_pb2.DeletePersonRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.DeletePersonResponse:
        """Delete a person."""
        return user_tower_pb2.DeletePersonResponse(position=self._people.delete_person(request.username))

    def MergePeople(
        self, request: user_tower_pb2.MergePeopleRequest, context: grpc.ServicerContext
    ) -> user_tower_pb2.MergePeopleResponse:
        """Make one person another."""
        position = self._people.merge_people(request.merged_username, into=request.into_username)
        return user_tower_pb2.MergePeopleResponse(position=position)

    def _watch_people(
        self, request: user_tower_pb2.WatchPeopleRequest, context: grpc.ServicerContext
    ) -> Iterator[user_tower_pb2.WatchPeopleResponse]:
        """Tell who has changed, until the caller goes."""
        live = self._live
        if live is None:
            while context.is_active():
                yield user_tower_pb2.WatchPeopleResponse()
                time.sleep(_BEAT_SECONDS)
            return
        position = request.after_position if request.HasField("after_position") else -1
        while context.is_active():
            changes = live.changes_after(position, seconds=_BEAT_SECONDS)
            is_everybody = changes.is_everybody or position < 0
            position = changes.position
            yield user_tower_pb2.WatchPeopleResponse(
                position=position,
                usernames=() if is_everybody else changes.usernames,
                is_everybody=is_everybody,
                has_store=True,
            )


def in_threads_of_its_own(stream: Callable[..., object]) -> Callable[..., object]:
    """A stream that takes no thread from the requests; gRPC starts the threads as watchers come."""

    def answer(request: object, context: grpc.ServicerContext) -> object:
        return stream(request, context)

    answer.experimental_thread_pool = ThreadPoolExecutor(_MOST_WATCHERS, "watchers")  # type: ignore[attr-defined] # gRPC's own name for it
    return answer


def _as_of(request: user_tower_pb2.EncodeContextRequest | user_tower_pb2.UserAndMood) -> int | None:
    return request.as_of_position if request.HasField("as_of_position") else None


def _served(request: user_tower_pb2.EncodeContextRequest | user_tower_pb2.UserAndMood) -> ServedWish:
    return ServedWish(request.served_since_ms, request.feed)


def _seconds_to_wait(context: grpc.ServicerContext) -> float:
    return remaining_seconds(_LONGEST_WAIT_SECONDS, context.time_remaining())


def _context_message(encoded: Context, bundle_id: str) -> user_tower_pb2.EncodeContextResponse:
    return user_tower_pb2.EncodeContextResponse(
        user_embedding=write_embedding(encoded.user) if encoded.user else None,
        mood_embedding=write_embedding(encoded.mood) if encoded.mood else None,
        seen_post_ids=encoded.seen_post_ids,
        bundle_id=bundle_id,
        mood_unavailable=encoded.mood_unavailable,
        mood_not_understood=encoded.mood_not_understood,
        position=encoded.position,
        changed_position=encoded.changed_position,
        not_interested_post_ids=encoded.not_interested_post_ids,
        withheld_post_ids=encoded.withheld_post_ids,
        served_since_ms=encoded.served_since_ms,
        served=None
        if encoded.served is None
        else user_tower_pb2.ServedPosts(
            post_ids=encoded.served.post_ids,
            elsewhere_post_ids=encoded.served.elsewhere_post_ids,
            read_up_to=encoded.served.read_up_to,
        ),
        recent_history=write_recent_history(encoded.recent) if encoded.recent else None,
    )
