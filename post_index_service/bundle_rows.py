"""What the live posts and the rules ask of the posts of the bundle."""

from collections.abc import Mapping

import numpy as np

from bundle.index_posts import IndexPosts
from post_index_service.attributes import NO_ACCOUNT, Owners
from post_index_service.codes import Rows
from post_index_service.named_rows import NamedRows
from store.posts import Post
from store.rules import Rule


class BundleRows:
    """The rows of a bundle; ``slices`` are those of its categories, ``accounts`` the numbers of accounts met since.

    The latter are those of ``owners``, and others after them for accounts that have no posts in the bundle.
    """

    def __init__(self, posts: IndexPosts, names: NamedRows, slices: Mapping[int, slice], owners: Owners) -> None:
        self.accounts: dict[str, int] = {}
        self._popularity = posts.popularity
        self._owners = owners
        self._names, self._slices = names, slices

    def row_of(self, post_id: int) -> int | None:
        """The row of a post in the bundle; None if it is not there."""
        return self._names.row_of(post_id)

    def popularity_of(self, row: int) -> float:
        """The popularity of the post in a row."""
        return float(self._popularity[row])

    def rows_of_rule(self, rule: Rule) -> Rows:
        """The rows of the posts that a rule names, ascending."""
        by_id = [row for post_id in rule.post_ids if (row := self.row_of(post_id)) is not None]
        spans = [self._slices[number] for number in set(rule.category_ids) if number in self._slices]
        parts = [np.array(by_id, dtype=np.int64), *(np.arange(span.start, span.stop) for span in spans)]
        parts += [self._owners.rows_of(name).astype(np.int64) for name in rule.owner_usernames]
        return np.unique(np.concatenate(parts))

    def learn(self, post: Post) -> int:
        """Count interactions with a post from now on; gives where."""
        return self._names.learn(post.post_id, post.external_id)

    def account_of(self, owner_username: str) -> int:
        """The number of an account, NO_ACCOUNT for an empty name."""
        if not owner_username:
            return NO_ACCOUNT
        number = self.accounts.get(owner_username)
        if number is None:
            known = self._owners.number_of(owner_username)
            number = self._owners.count + len(self.accounts) if known == NO_ACCOUNT else known
            self.accounts[owner_username] = number
        return number
