"""What `moodfeed publish --milvus` and `rollback --milvus` do on a Milvus server, and their errors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bundle.directory import Bundle
from bundle.manifest import BundleError
from post_collection.server import TOKEN_VARIABLE

if TYPE_CHECKING:
    from post_collection.publishing import Publishing

MilvusOption = Annotated[
    str | None,
    typer.Option(
        "--milvus",
        metavar="URI",
        help="URL of a Milvus server whose collection of the bundle is filled first, such as http://127.0.0.1:19530. "
        f"Credentials (user:password) are read from {TOKEN_VARIABLE}.",
        show_default=False,
    ),
]
MilvusIndexOption = Annotated[
    str | None,
    typer.Option(
        "--milvus-index",
        metavar="FLAT|IVF_FLAT|HNSW",
        help="Index type of the Milvus collection; HNSW is approximate. Default: FLAT.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of bundles at one server."""

    publishing: "Publishing"

    def bring_and_switch(self, bundle: Bundle) -> None:
        """Load and check the posts of a bundle, then switch the alias; BundleError if that fails."""
        from post_collection.server import CollectionError, MilvusUnavailableError

        try:
            self.publishing.bring(bundle)
            self.publishing.make_current(bundle.bundle_id)
        except (CollectionError, MilvusUnavailableError) as error:
            raise BundleError(bundle.directory, f"{error}; the current bundle stays current") from error

    def remove_old(self) -> tuple[str, ...]:
        """Drop what is neither current nor previous; nothing if the server does not answer."""
        from post_collection.server import MilvusUnavailableError

        try:
            return self.publishing.remove_old()
        except MilvusUnavailableError:
            return ()


def collections_at(uri: str | None, kind: str | None, *, on_progress: Callable[[str], None]) -> Collections | None:
    """The collections at a server, which is asked for them; None without ``uri``.

    Exit code 2 for what is no URL of a server, an unknown kind of index or one without a server, or without the
    client's package. MilvusUnavailableError if the server does not answer: said before a bundle is verified.
    """
    from post_collection.address import milvus_address
    from post_collection.filling import CALL_SECONDS, IndexForm
    from post_collection.form import IndexKind
    from post_collection.publishing import Publishing
    from post_collection.server import Server, client_is_installed

    if uri is None:
        if kind is not None:
            raise typer.BadParameter("is of a Milvus collection: give --milvus too", param_hint="--milvus-index")
        return None
    try:
        milvus_address(uri)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--milvus") from None
    kind = kind or IndexKind.FLAT
    if kind not in set(IndexKind):
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(IndexKind)}", param_hint="--milvus-index")
    if not client_is_installed():
        raise typer.BadParameter("pymilvus is not installed: pip install 'moodfeed[milvus]'", param_hint="--milvus")

    def tell(what: str, done: int, count: int) -> None:
        on_progress(f"publish: Milvus, {what} {done:,} of {count:,} posts")

    server = Server(uri, token=os.environ.get(TOKEN_VARIABLE, ""))
    server.ask("list_collections", seconds=CALL_SECONDS)
    return Collections(Publishing(server, IndexForm(IndexKind(kind)), tell))
