"""The list of forgotten people and posts. It holds only hashes, so that it does not name them."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from pipeline.accepted_forms import read_id
from pipeline.upstream import Json
from pipeline.whole_files import write_whole_text


class ForgottenListError(Exception):
    """The list cannot be read: names the file; nothing is fetched without it."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Hashes of the ids of people and posts, and of usernames, each with the salt of this list."""

    salt: str
    users: frozenset[str] = frozenset()
    usernames: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Self:
        """The list in a file; an empty one with a new salt if there is no file. ForgottenListError if it is damaged."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls(salt=secrets.token_hex(16))
        except (OSError, ValidationError) as error:
            raise ForgottenListError(
                f"{path} cannot be read ({type(error).__name__}): it lists the forgotten people and posts, and no data "
                "is fetched or imported without it; restore it from a copy"
            ) from error

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lists = {name: sorted(getattr(self, name)) for name in ("users", "usernames", "posts")}
        write_whole_text(path, json.dumps({"salt": self.salt, **lists}, indent=2) + "\n")

    def with_added(
        self,
        *,
        users: Iterable[int] = (),
        usernames: Iterable[str] = (),
        posts: Iterable[int] = (),
        imported_users: Iterable[str] = (),
        external_posts: Iterable[str] = (),
    ) -> Self:
        """The list with more on it; imported people and posts by name, because each import numbers them anew."""
        by_id = {self._hash("user", each) for each in users}
        by_number = {self._hash("post", each) for each in posts}
        return replace(
            self,
            users=self.users | by_id | {self._hash("imported user", each) for each in imported_users},
            usernames=self.usernames | {self._hash("username", each) for each in usernames},
            posts=self.posts | by_number | {self._hash("external post", each) for each in external_posts},
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody and nothing was forgotten."""
        return not (self.users or self.usernames or self.posts)

    def has_user(self, user_id: int) -> bool:
        """Whether the person was forgotten."""
        return bool(self.users) and self._hash("user", user_id) in self.users

    def has_username(self, username: str) -> bool:
        """Whether it is the username of a forgotten person."""
        return bool(self.usernames) and self._hash("username", username) in self.usernames

    def has_post(self, post_id: int) -> bool:
        """Whether the post was forgotten."""
        return bool(self.posts) and self._hash("post", post_id) in self.posts

    def has_imported_user(self, username: str) -> bool:
        """Whether the person of an import was forgotten."""
        return bool(self.users) and self._hash("imported user", username) in self.users

    def has_external_post(self, external_id: str) -> bool:
        """Whether the post that another program calls so was forgotten."""
        return bool(self.posts) and self._hash("external post", external_id) in self.posts

    def without_forgotten(self, endpoint: str, rows: Sequence[Json]) -> Sequence[Json]:
        """The rows of an endpoint without forgotten people, posts and their events; owners' names are emptied."""
        return rows if self.is_empty else list(self._rows_left(endpoint, rows))

    def _rows_left(self, endpoint: str, rows: Sequence[Json]) -> Iterator[Json]:
        for row in rows:
            if not isinstance(row, dict):
                yield row
                continue
            user = read_id(row.get("id" if endpoint == "user" else "user_id"))
            post = read_id(row.get("id" if endpoint == "post" else "post_id"))
            if (user is not None and self.has_user(user)) or (post is not None and self.has_post(post)):
                continue
            name = row.get("username")
            if not isinstance(name, str) or not self.has_username(name):
                yield row
            elif endpoint != "user" or user is not None:  # another account may be called the same
                yield row | {"username": ""} if endpoint == "post" else row

    def _hash(self, kind: str, value: int | str) -> str:
        return hashlib.sha256(f"{self.salt}:{kind}:{value}".encode(errors="surrogatepass")).hexdigest()
