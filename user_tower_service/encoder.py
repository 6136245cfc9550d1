"""Turns users, moods and posts into embeddings with the user tower, mood encoder and post tower of one bundle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bundle.directory import Bundle
from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, Vector
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.post_trends import newest_moment_of
from compute.recent_history import RecentHistory
from mood_encoder.mood_space import MeantMood
from mood_encoder.runtime import Runtime
from rpc.tracing import UNTRACED, stage
from store.posts import Post, PostEmbedding
from user_tower_service.asked_mood import AskedMood
from user_tower_service.bundle_users import MOST_SEEN, encode_users
from user_tower_service.live_histories import LiveHistories, LiveUser
from user_tower_service.live_log import LiveLog
from user_tower_service.live_people import PersonView
from user_tower_service.mood_memories import MoodMemories
from user_tower_service.post_encoder import EncodedPost, PostContent, PostEncoder
from user_tower_service.recent_histories import BundleHistories
from user_tower_service.runtime import LOWEST_MOOD_COSINES, read_towers
from user_tower_service.shown_posts import ServedPosts, ServedWish, shown_by, shown_elsewhere

_log = structlog.get_logger("user_tower_service.encoder")

LONGEST_MOOD = 512  # code points
MOST_CONTEXTS = 64
MOST_POSTS = 64
NO_SERVED_WISH = ServedWish()


class EncodingError(Exception):
    """A request that cannot be encoded; the text says what to change."""


class MoodTooLongError(EncodingError):
    """The mood has more than 512 code points."""


class ContextCountError(EncodingError):
    """The request does not hold 1 to 64 contexts."""


class PostCountError(EncodingError):
    """The request does not hold 1 to 64 posts."""


@dataclass(frozen=True, slots=True)
class Context:
    """The embeddings of one feed request, and the posts that its user has seen.

    ``user`` is None for an unknown user, ``mood`` for a blank mood. ``seen_post_ids`` ascend; they are the MOST_SEEN
    newest. ``mood_unavailable`` means that a mood was given and the mood encoder failed, ``mood_not_understood`` that
    it says nothing about a mood.

    ``position`` is that of the log up to which it counts what people did, None without a log; ``changed_position`` is
    that of the user's last change. ``not_interested_post_ids`` are posts that the user does not want to see, and
    ``withheld_post_ids`` those that came to them since the position that was asked for.

    Posts that were shown since ``served_since_ms`` and are remembered are among the seen ones, or in ``served`` if they
    are wanted apart; it is 0 if there are none. ``recent`` is what the user met last, None for an unknown user.
    """

    user: Embedding | None
    mood: Embedding | None
    seen_post_ids: tuple[int, ...]
    mood_unavailable: bool = False
    mood_not_understood: bool = False
    position: int | None = None
    changed_position: int = 0
    not_interested_post_ids: tuple[int, ...] = ()
    withheld_post_ids: tuple[int, ...] = ()
    served_since_ms: int = 0
    served: ServedPosts | None = None
    recent: RecentHistory | None = None


class Encoder:
    """Encodes with the models of one bundle; every method may be called from several threads.

    The users of a bundle never change, so all of them are embedded when it is read, and a request only looks one up.
    Of a user who has done something since, ``live`` knows, and their embedding is computed when it is asked for.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        mood_cache_size: int = 0,
        runtime: Runtime = Runtime.OPENVINO,
        moods: MoodMemories | None = None,
        live: LiveLog | None = None,
        live_cache_size: int = 0,
    ) -> None:
        """``moods`` shares the mood encoder with other bundles; without it, this one remembers ``mood_cache_size``."""
        moods = moods or MoodMemories(mood_cache_size, runtime=runtime)
        self.bundle_id = bundle.bundle_id
        self.tower_space = EmbeddingSpace(bundle.bundle_id, EmbeddingKind.TOWER, bundle.manifest.tower_dimension)
        self.text_space = EmbeddingSpace(bundle.bundle_id, EmbeddingKind.TEXT, bundle.manifest.text_dimension)
        self.lowest_mood_cosine = LOWEST_MOOD_COSINES[runtime]
        self._towers = read_towers(bundle, runtime)
        self._moods = moods.of(bundle)
        posts = HistoryPosts.read(bundle)
        self._post_encoder = PostEncoder(
            self._towers,
            self._moods,
            post_ids=posts.post_ids,
            spaces=(self.tower_space, self.text_space),
        )
        users = KnownUsers.read(bundle)
        self._users = encode_users(self._towers, posts, users)
        newest_moment_ms = newest_moment_of(bundle)
        self._histories = BundleHistories(users, newest_moment_ms)
        self._live = live
        self._live_histories: LiveHistories | None = None
        if live is not None:
            self._live_histories = LiveHistories(
                self._towers,
                posts,
                users,
                new_posts=lambda: live.posts.of_bundle(bundle.bundle_id),
                rows=self._users.rows,
                log_position=bundle.manifest.log_position,
                newest_moment_ms=newest_moment_ms,
                size=live_cache_size,
                most_seen=MOST_SEEN,
            )
            self._lease = live.lease(bundle.manifest.log_position)  # held as long as this encoder answers
            live.encoding.add(self, log_position=bundle.manifest.log_position)

    def encode_context(
        self,
        username: str,
        mood: str,
        *,
        as_of: int | None = None,
        served: ServedWish = NO_SERVED_WISH,
        is_live: bool = True,
    ) -> Context:
        """Embed the user, if known, and the mood, if not blank; MoodTooLongError above 512 code points.

        The user is that of the position ``as_of`` of the log, or of now. Without ``is_live`` only the bundle counts.
        """
        return self.encode_contexts([(username, mood)], as_of=[as_of], served=[served], is_live=is_live)[0]

    def encode_contexts(
        self,
        requests: Sequence[tuple[str, str]],
        *,
        as_of: Sequence[int | None] = (),
        served: Sequence[ServedWish] = (),
        is_live: bool = True,
    ) -> tuple[Context, ...]:
        """Embed the users and moods of 1 to 64 requests, each as encode_context does; ContextCountError otherwise.

        ``as_of`` and ``served`` hold one for each request, or nothing.
        """
        if not 1 <= len(requests) <= MOST_CONTEXTS:
            raise ContextCountError(f"{len(requests)} contexts given, 1 to {MOST_CONTEXTS} are allowed")
        for _, mood in requests:
            _check_length(mood)
        embeddings = self._encode_moods([mood for _, mood in requests if mood.strip()])
        live = self._live if is_live else None
        if live is None or self._live_histories is None:
            return tuple(self._context_of_bundle(name, AskedMood.of(mood, embeddings), None) for name, mood in requests)
        views = [
            live.view(username, as_of=position)
            for (username, _), position in zip(requests, as_of or [None] * len(requests), strict=True)
        ]
        changed = [
            (username, view) for (username, _), view in zip(requests, views, strict=True) if not view.is_of_bundle
        ]
        with stage("encode histories") if changed else UNTRACED:
            users = iter(self._live_histories.users(changed))
        contexts = []
        for (username, mood), view, wish in zip(
            requests, views, served or [NO_SERVED_WISH] * len(requests), strict=True
        ):
            asked = AskedMood.of(mood, embeddings)
            if view.is_of_bundle:
                context = self._context_of_bundle(username, asked, view)
            else:
                context = self._context_of_user(next(users), asked, view)
            contexts.append(_with_served(context, view, wish, live=live))
        return tuple(contexts)

    def _encode_moods(self, moods: Sequence[str]) -> dict[str, Vector | None]:
        """Embeddings by mood, None of one that says nothing; one that cannot be embedded is left out alone."""
        if not moods:
            return {}
        try:
            with stage("encode moods") as span:
                span.note(moods=len(moods))
                return dict(zip(moods, self._moods.encode(moods), strict=True))
        except Exception as error:  # noqa: BLE001 - a feed without its mood is better than no feed
            if len(moods) > 1:
                return {mood: vector for each in moods for mood, vector in self._encode_moods([each]).items()}
            _log.error("mood encoder failed", exc_info=error)
            return {}

    def _context_of_bundle(self, username: str, asked: AskedMood, view: PersonView | None) -> Context:
        row = self._users.rows.get(username)
        return Context(
            user=None if row is None else Embedding(self.tower_space, self._users.embeddings[row]),
            mood=None if asked.embedding is None else Embedding(self.text_space, asked.embedding),
            seen_post_ids=() if row is None else self._seen_by(row),
            mood_unavailable=asked.is_unavailable,
            mood_not_understood=asked.is_not_understood,
            position=None if view is None else view.position,
            recent=None if row is None else self._histories.of(row),
        )

    def _context_of_user(self, user: LiveUser | None, asked: AskedMood, view: PersonView) -> Context:
        return Context(
            user=None if user is None else Embedding(self.tower_space, user.embedding),
            mood=None if asked.embedding is None else Embedding(self.text_space, asked.embedding),
            seen_post_ids=() if user is None else user.seen_post_ids,
            mood_unavailable=asked.is_unavailable,
            mood_not_understood=asked.is_not_understood,
            position=view.position,
            changed_position=view.changed_at if user is None else user.changed_at,
            not_interested_post_ids=view.not_interested_post_ids,
            withheld_post_ids=view.withheld_post_ids,
            recent=None if user is None else user.recent,
        )

    def read_mood(self, mood: str) -> MeantMood:
        """What a mood is understood as; MoodTooLongError above 512 code points. It is read anew each time."""
        _check_length(mood)
        return self._moods.reader.read([mood])[0]

    def longest_known(self) -> tuple[str, ...]:
        """The people of the bundle with the longest histories, longest first: those of 64 who are still known."""
        names = self._users.longest(MOST_CONTEXTS)
        if not names:
            return ()
        contexts = self.encode_contexts([(name, "") for name in names])
        return tuple(name for name, context in zip(names, contexts, strict=True) if context.user is not None)

    def encode_posts(self, posts: Sequence[PostContent]) -> tuple[EncodedPost, ...]:
        """Embed 1 to 64 posts in both spaces; PostCountError otherwise. A post unknown at training time counts as new.

        The text embedding is made of title and description, like that of an indexed post that names no emotion.
        """
        if not 1 <= len(posts) <= MOST_POSTS:
            raise PostCountError(f"{len(posts)} posts given, 1 to {MOST_POSTS} are allowed")
        return self._post_encoder.encode(posts)

    def embed_live_post(self, post_id: int, revision: int, post: Post) -> PostEmbedding:
        """The embeddings of one revision of a live post, in the form of the store."""
        return self._post_encoder.embed_live(post_id, revision, post)

    def _seen_by(self, row: int) -> tuple[int, ...]:
        return tuple(self._users.seen[self._users.offsets[row] : self._users.offsets[row + 1]].tolist())


def _with_served(context: Context, view: PersonView, served: ServedWish, *, live: LiveLog) -> Context:
    """The context with what the person was shown: apart if the request wants that, else among what they have seen."""
    if not (view.shown or served.feed):
        return context
    since_ms = served.since_ms or live.served_since()
    shown = shown_by(view.shown, view.position, since_ms=since_ms)
    if served.feed:
        elsewhere = shown_elsewhere(view.shown, after=view.position, feed=served.feed)
        return replace(
            context, served_since_ms=since_ms, served=ServedPosts(shown, elsewhere, read_up_to=view.read_up_to)
        )
    seen = tuple(sorted({*context.seen_post_ids, *shown}))
    return replace(context, served_since_ms=since_ms, seen_post_ids=seen) if shown else context


def _check_length(mood: str) -> None:
    if len(mood) > LONGEST_MOOD:
        raise MoodTooLongError(f"mood has {len(mood)} code points, at most {LONGEST_MOOD} are allowed")
