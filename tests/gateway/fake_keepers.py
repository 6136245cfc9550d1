"""Posts and rules that are kept in memory: each change has the next position of a log."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.catalog_types import KeptPost, Post, PostNames, PostResult, PostState, Upserted, UpsertResult
from gateway.rules_types import Rule, RuleNotFoundError

FIRST_GIVEN_ID = 2**52


@dataclass
class FakePosts:
    """A PostKeeper."""

    kept: dict[int, KeptPost] = field(default_factory=dict)
    position: int = 0
    asked: list[tuple[str, object]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def upsert_posts(self, posts: Sequence[Post], *, seconds: float) -> Upserted:
        self.asked.append(("upsert", tuple(posts)))
        self.seconds.append(seconds)
        results = []
        for post in posts:
            self.position += 1
            post_id = post.post_id or self._id_of(post.external_id) or FIRST_GIVEN_ID + self.position
            state = PostState.PENDING if post.is_servable else PostState.NOT_SERVABLE
            self.kept[post_id] = KeptPost(replace(post, post_id=post_id), state, self.position)
            results.append(PostResult(UpsertResult.ACCEPTED, post_id=post_id))
        return Upserted(self.position, results)

    async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
        self.asked.append(("delete", names))
        self.position += 1
        for post_id in self._ids(names):
            self.kept[post_id] = KeptPost(Post(post_id=post_id), PostState.DELETED, self.position)
        return self.position

    async def get_posts(self, names: PostNames, *, seconds: float) -> Sequence[KeptPost]:
        self.asked.append(("get", names))
        return [self.kept[post_id] for post_id in sorted(self._ids(names) & self.kept.keys())]

    def _ids(self, names: PostNames) -> set[int]:
        return {*names.post_ids, *(self._id_of(external_id) for external_id in names.external_ids)} - {0}

    def _id_of(self, external_id: str) -> int:
        found = (id_ for id_, kept in self.kept.items() if external_id and kept.post.external_id == external_id)
        return next(found, 0)


@dataclass
class FakeRules:
    """A RuleKeeper."""

    kept: dict[str, Rule] = field(default_factory=dict)
    position: int = 0

    async def set_rule(self, rule: Rule, *, seconds: float) -> int:
        self.kept[rule.name] = rule
        return self._next()

    async def delete_rule(self, name: str, *, seconds: float) -> int:
        if name not in self.kept:
            raise RuleNotFoundError
        del self.kept[name]
        return self._next()

    async def list_rules(self, *, seconds: float) -> Sequence[Rule]:
        return [self.kept[name] for name in sorted(self.kept)]

    def _next(self) -> int:
        self.position += 1
        return self.position
