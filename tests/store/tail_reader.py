"""A replica as the services have it: it follows the tail of the log and holds what counts now."""

from collections.abc import Callable
from dataclasses import replace

from store.interactions import Interaction
from store.log_entries import (
    Entry,
    InteractionRecorded,
    InteractionsExpired,
    PeopleMerged,
    PersonDeleted,
    PostDeleted,
    PostsEmbedded,
    PostUpserted,
    RuleDeleted,
    RuleSet,
)
from store.port import Store
from store.posts import PostEmbedding, PostRevision
from store.rules import Rule


class TailReader:
    """Holds ``interactions`` by position (with ``since`` 0, which a reader does not need), up to ``position``.

    ``posts`` are the newest revisions, ``embeddings`` those of them by bundle and post, ``rules`` the rules by name.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.position = 0
        self.interactions: dict[int, Interaction] = {}
        self.posts: dict[int, PostRevision] = {}
        self.embeddings: dict[tuple[str, int], PostEmbedding] = {}
        self.rules: dict[str, Rule] = {}

    def read(self, *, limit: int) -> None:
        """Read one part of the log."""
        part = self._store.entries_after(self.position, limit=limit)
        for entry in part.entries:
            assert entry.position > self.position
            self._apply(entry)
            self.position = entry.position
        assert part.position >= self.position
        self.position = part.position

    def _apply(self, entry: Entry) -> None:
        match entry:
            case InteractionRecorded(interaction=interaction, takes_back=takes_back):
                if takes_back is not None:
                    self.interactions.pop(takes_back.position, None)
                if interaction is not None and interaction.taken_back_at is None:
                    self._hold(interaction)
            case PersonDeleted(person_key=key):
                self._drop(lambda name: self._store.person_key(name) == key, before=entry.position)
            case PeopleMerged(merged_key=key, into=into):
                self._drop(lambda name: self._store.person_key(name) == key or name == into, before=entry.position)
                found = None if into is None else self._store.history(into)
                for interaction in () if found is None else found.interactions:
                    self._hold(interaction)
            case InteractionsExpired(before_ms=before):
                self.interactions = {
                    position: held for position, held in self.interactions.items() if held.occurred_at_ms >= before
                }

            case PostUpserted(position=position, post_id=post_id, post=post):
                if post is not None:  # else a later entry says what became of it
                    self._replace(PostRevision(post_id=post_id, position=position, post=post))
            case PostDeleted(position=position, post_id=post_id):
                self._replace(PostRevision(post_id=post_id, position=position, post=None))
            case PostsEmbedded(bundle_id=bundle_id, embeddings=embeddings):
                self.embeddings |= {(bundle_id, each.post_id): each for each in embeddings}
            case RuleSet(name=name, rule=rule):
                if rule is not None:
                    self.rules[name] = rule
            case RuleDeleted(name=name):
                self.rules.pop(name, None)

    def _replace(self, revision: PostRevision) -> None:
        self.posts[revision.post_id] = revision
        self.embeddings = {key: kept for key, kept in self.embeddings.items() if key[1] != revision.post_id}

    def _hold(self, interaction: Interaction) -> None:
        self.interactions[interaction.position] = replace(interaction, since=0, taken_back_at=None)

    def _drop(self, is_theirs: Callable[[str], bool], *, before: int) -> None:
        self.interactions = {
            position: held
            for position, held in self.interactions.items()
            if position > before or not is_theirs(held.username)
        }
