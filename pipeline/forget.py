"""Remove people and posts from the raw store and the clean tables, and keep them out of later fetches."""

import shutil
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bundle.directory import open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError
from bundle.stored_bundles import bundle_ids
from pipeline.forgotten import Forgotten
from pipeline.raw_store import RawStore
from pipeline.tables import INTERACTIONS_FILE, POSTS_FILE, USERS_FILE
from pipeline.whole_files import whole_file
from pipeline.workspace import Workspace

_ROWS_AT_ONCE = 250_000
_OF_EXAMPLES = ("report.json", "validation.json")  # reports of the clean tables, which quote rows


class UnknownNameError(Exception):
    """A name matches no account or several: names the accounts and says what to pass."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its id and its username."""

    user_id: int
    username: str


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """How many rows were removed; ``renamed`` posts stay without their owner's name."""

    accounts: tuple[Account, ...]
    posts: tuple[int | str, ...]
    raw_rows: int
    clean_rows: int
    renamed: int


def forget(workspace: Workspace, *, people: Iterable[str] = (), posts: Iterable[int | str] = ()) -> ForgetReport:
    """Forget accounts, given by username or id, and posts, given by id or by external id.

    The list of hashes is written first: if this is interrupted, a second call finishes it. UnknownNameError, and
    nothing is changed, if a name matches no account or several; ForgottenListError if the list is damaged.
    """
    forgotten = Forgotten.read(workspace.forgotten)
    accounts = find_accounts(known_accounts(workspace), tuple(people), forgotten)
    post_ids = tuple(dict.fromkeys(posts))
    is_imported = not workspace.raw.exists()
    usernames = [account.username for account in accounts]
    external_ids = {post_id: name for name, post_id in _external_posts(workspace).items()}
    by_name = {external_ids.get(each, each) if isinstance(each, int) else each for each in post_ids}
    external_posts = {each for each in by_name if isinstance(each, str)}
    for name in external_posts - set(external_ids.values()):
        if not forgotten.has_external_post(name):
            raise UnknownNameError(f"no post has the external id {name!r}; nothing was forgotten")
    forgotten = forgotten.with_added(
        users=() if is_imported else [account.user_id for account in accounts],
        usernames=usernames,
        posts={each for each in by_name if isinstance(each, int)},
        imported_users=usernames if is_imported else (),
        external_posts=external_posts,
    )
    forgotten.write(workspace.forgotten)
    shutil.rmtree(workspace.evaluation_towers, ignore_errors=True)  # they have learnt from what is to be forgotten
    raw_rows = 0
    if workspace.raw.exists():
        with RawStore(workspace.raw) as store:
            raw_rows = store.forget(forgotten)
    clean_rows, renamed = forget_in_tables(workspace, forgotten)
    return ForgetReport(accounts, post_ids, raw_rows, clean_rows, renamed)


def known_accounts(workspace: Workspace) -> tuple[Account, ...]:
    """The accounts of the raw store and of the clean tables."""
    found: dict[Account, None] = {}
    if workspace.raw.exists():
        with RawStore(workspace.raw) as store:
            found |= {Account(row.row_id, str(row.fields.get("username") or "")): None for row in store.rows("user")}
    path = workspace.clean / USERS_FILE
    if path.exists():
        table = pq.read_table(path, columns=["user_id", "username"])
        pairs = zip(*(table[name].to_pylist() for name in ("user_id", "username")), strict=True)
        found |= {Account(user_id, username): None for user_id, username in pairs}
    return tuple(found)


def _external_posts(workspace: Workspace) -> dict[str, int]:
    """The ids of the clean posts that came with a name of their own."""
    path = workspace.clean / POSTS_FILE
    if not path.exists():
        return {}
    table = pq.read_table(path, columns=["external_id", "post_id"])
    pairs = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    return {name: post_id for name, post_id in pairs if name}


def find_accounts(accounts: Collection[Account], wanted: Iterable[str], forgotten: Forgotten) -> tuple[Account, ...]:
    """The accounts that usernames, ids or ``id:NUMBER`` match; an account that is already forgotten is no error."""
    chosen: dict[Account, None] = {}
    for text in wanted:
        number = text.removeprefix("id:")
        is_number = number.isascii() and number.isdigit()
        by_id = [account for account in accounts if is_number and account.user_id == int(number)]
        by_name = [account for account in accounts if account.username == text]
        ids = {account.user_id for account in (by_id if text.startswith("id:") else [*by_name, *by_id])}
        if len(ids) > 1:
            numbers = ", ".join(f"id:{each}" for each in sorted(ids))
            raise UnknownNameError(f"{text!r} matches {len(ids)} accounts: pass one or more of {numbers}")
        if not ids:
            if forgotten.has_username(text) or (is_number and forgotten.has_user(int(number))):
                continue
            raise UnknownNameError(f"no account has the username or id {text!r}; nothing was removed")
        chosen |= {account: None for account in accounts if account.user_id in ids}
    return tuple(chosen)


def forget_in_tables(workspace: Workspace, forgotten: Forgotten) -> tuple[int, int]:
    """Remove from the clean tables and the scores what is on the list; the rows removed, and the posts renamed."""
    if forgotten.is_empty:
        return 0, 0
    removed = renamed = 0
    users = {each.user_id for each in known_accounts(workspace) if forgotten.has_imported_user(each.username)}
    posts = {each for name, each in _external_posts(workspace).items() if forgotten.has_external_post(name)}
    # Names last: they say which rows of the other files are meant, should this be interrupted.
    for path in (workspace.scores, *(workspace.clean / name for name in (INTERACTIONS_FILE, USERS_FILE, POSTS_FILE))):
        if path.exists():
            gone, emptied = _filter_file(path, forgotten, users, posts)
            removed, renamed = removed + gone, renamed + emptied
    if removed or renamed:
        for name in _OF_EXAMPLES:
            (workspace.clean / name).unlink(missing_ok=True)
    return removed, renamed


def _filter_file(path: Path, forgotten: Forgotten, users: Set[int], posts: Set[int]) -> tuple[int, int]:
    """Rewrite a table in one step, in batches; the number of rows removed, and of posts renamed."""
    removed = renamed = 0
    with (
        pq.ParquetFile(path) as file,
        whole_file(path) as temporary,
        pq.ParquetWriter(temporary, file.schema_arrow) as writer,
    ):
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            table = pa.Table.from_batches([batch])
            for name, has, named in (("user_id", forgotten.has_user, users), ("post_id", forgotten.has_post, posts)):
                if name in table.column_names:
                    table = table.filter(pc.invert(_is_on_list(table[name], has)))
                    table = table.filter(pc.invert(_is_on_list(table[name], named.__contains__)))
            removed += batch.num_rows - table.num_rows
            if "owner_username" in table.column_names:
                owners = table["owner_username"]
                is_owner = _is_on_list(owners, forgotten.has_username)
                renamed += pc.sum(is_owner).as_py() or 0
                emptied = pc.if_else(is_owner, pa.scalar("", owners.type), owners)
                table = table.set_column(table.column_names.index("owner_username"), "owner_username", emptied)
            writer.write_table(table.cast(file.schema_arrow))
    return removed, renamed


def _is_on_list(column: pa.ChunkedArray, has: Callable[..., bool]) -> pa.ChunkedArray:
    """Whether each value is on the list; each different value is looked up once."""
    values = pc.unique(column)
    found = [value for value in values.to_pylist() if value is not None and has(value)]
    if not found:
        return pa.chunked_array([pa.array(np.zeros(len(column), dtype=np.bool_))])
    return pc.is_in(column, value_set=pa.array(found, type=column.type))


def holders(bundles: Path, forgotten: Forgotten) -> tuple[Path, ...]:
    """The directories of the bundles that hold somebody or something on the list, or that cannot be read."""
    directories = (bundles / bundle_id for bundle_id in bundle_ids(bundles))
    return tuple(directory for directory in directories if _holds(directory, forgotten))


def _holds(directory: Path, forgotten: Forgotten) -> bool:
    try:
        bundle = open_bundle(directory)
        users, posts, index = KnownUsers.read(bundle), HistoryPosts.read(bundle), IndexPosts.read(bundle)
    except BundleError:
        return True
    return (
        any(map(forgotten.has_user, users.user_ids.tolist()))
        or any(map(forgotten.has_imported_user, users.usernames))
        or any(map(forgotten.has_post, posts.post_ids.tolist()))
        or any(map(forgotten.has_external_post, filter(None, (post.external_id for post in index.posts))))
        or any(map(forgotten.has_username, {post.owner_username for post in index.posts}))
    )
