"""What stands in the log: an entry of each kind, as a reader of the tail receives it."""

from dataclasses import dataclass
from enum import IntEnum

from store.interactions import Interaction, Verb
from store.posts import Post, PostEmbedding
from store.rules import Rule


class EntryKind(IntEnum):
    """The kind of a log row. Stored as this number: append only."""

    INTERACTION = 1
    SERVED = 2
    PERSON_DELETED = 3
    PEOPLE_MERGED = 4
    EXPIRED = 5
    RESTORED = 6
    POST_UPSERTED = 7
    POST_DELETED = 8
    POSTS_EMBEDDED = 9
    RULE_SET = 10
    RULE_DELETED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What a retraction took back: the row at ``position``, of the same person as the retraction."""

    position: int
    verb: Verb
    post_id: int | None
    external_id: str | None
    occurred_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRecorded:
    """A row of ``record``. At least one of the two is there.

    ``interaction`` is what counts from now on (None for a row that only takes back). ``takes_back`` is the earlier
    row that does not count any more: None if this row takes nothing back, or if the event is unknown, another
    person's, expired or deleted. If that event comes later, its own row says at once that it is taken back.
    """

    position: int
    username: str
    interaction: Interaction | None
    takes_back: TakenBack | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostsServed:
    """``remember_served``: a person was shown these posts; ``since`` as in store.interactions.Interaction."""

    position: int
    since: int
    username: str
    post_ids: tuple[int, ...]
    shown_at_ms: int
    feed_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDeleted:
    """``delete_person``. The name is gone: compare ``person_key`` with ``Store.person_key(username)``.

    Whatever is held about this name from before ``position``, such as the history in a bundle that was made up to
    an earlier position, is no more used. The name may sign up again; rows after ``position`` are a new person's.
    """

    position: int
    person_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleMerged:
    """``merge_people``: all rows of one name are another's now; read the history of ``into`` anew.

    ``merged`` is the name that was merged, for what a bundle holds under it; None if one of the two was deleted
    since. ``merged_key`` is its key: as with PersonDeleted, the name itself no longer stands for that person.
    ``into`` is None if that person was deleted since.
    """

    position: int
    merged: str | None
    merged_key: bytes
    into: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionsExpired:
    """``expire``: interactions and served posts from before this moment are gone."""

    position: int
    before_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRestored:
    """`moodfeed store restore`: the rows up to here are a backup's. Forget all, and read the log from its start.

    Positions never return: those of the rows that the restore replaced are not given again.
    """

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostUpserted:
    """``upsert_posts``: a post as it is from here on. ``post`` is None if a later entry replaces or deletes it."""

    position: int
    post_id: int
    post: Post | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDeleted:
    """``delete_posts``: the post is gone from here on, until it is upserted again."""

    position: int
    post_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostsEmbedded:
    """``keep_embeddings``: from here on these revisions have embeddings for a bundle.

    Embeddings of revisions that were replaced since are left out.
    """

    position: int
    bundle_id: str
    embeddings: tuple[PostEmbedding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """``set_rule``: the rule counts from here on. ``rule`` is None if a later entry replaces or deletes it."""

    position: int
    name: str
    rule: Rule | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDeleted:
    """``delete_rule``: the rule of this name does not count from here on."""

    position: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEntry:
    """An entry of a kind that this program does not know yet, as a newer one wrote it. Readers pass over it."""

    position: int
    kind: int


Entry = (
    InteractionRecorded
    | PostsServed
    | PersonDeleted
    | PeopleMerged
    | InteractionsExpired
    | StoreRestored
    | PostUpserted
    | PostDeleted
    | PostsEmbedded
    | RuleSet
    | RuleDeleted
    | OtherEntry
)


@dataclass(frozen=True, slots=True)
class Entries:
    """A part of the log, ascending by position, and the position at which the reader stands after it.

    Positions may have gaps (rows of deleted people, restored backups), so the next read starts at ``position`` and
    not at the last entry's.
    """

    entries: tuple[Entry, ...]
    position: int
