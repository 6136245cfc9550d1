"""The messages of moodfeed.catalog.v1.CatalogService, read and written, and the same as JSON for HTTP."""

from collections.abc import Callable, Iterable, Mapping

from gateway.catalog_types import KeptPost, Post, PostNames, PostResult, PostState, Upserted, UpsertResult
from gateway.feed_types import InvalidPostError
from gateway.json_messages import UnreadableFieldError, document_of, fill, read_json_object
from moodfeed.catalog.v1 import catalog_pb2
from rpc.moments import milliseconds_of, timestamp_of

SERVICE_NAME = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name
METHODS = frozenset(method.name for method in catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].methods)
_ID_FIELDS = ("post_id",)


def read_post(message: catalog_pb2.Post) -> Post:
    """Read a post."""
    return Post(
        post_id=message.post_id if message.HasField("post_id") else None,
        title=message.title,
        description=message.description,
        emotions=tuple(message.emotions),
        category_id=message.category_id,
        category_name=message.category_name,
        video_link=message.video_link,
        thumbnail_url=message.thumbnail_url,
        owner_username=message.owner_username,
        language=message.language,
        is_servable=message.is_servable if message.HasField("is_servable") else True,
        created_at_ms=milliseconds_of(message.created_at) if message.HasField("created_at") else None,
        external_id=message.external_id,
    )


def write_post(post: Post) -> catalog_pb2.Post:
    """Write a post."""
    return catalog_pb2.Post(
        post_id=post.post_id,
        title=post.title,
        description=post.description,
        emotions=post.emotions,
        category_id=post.category_id,
        category_name=post.category_name,
        video_link=post.video_link,
        thumbnail_url=post.thumbnail_url,
        owner_username=post.owner_username,
        language=post.language,
        is_servable=post.is_servable,
        created_at=None if post.created_at_ms is None else timestamp_of(post.created_at_ms),
        external_id=post.external_id,
    )


def read_results(results: Iterable[catalog_pb2.PostResult]) -> list[PostResult]:
    """Read what became of posts."""
    return [
        PostResult(UpsertResult(catalog_pb2.UpsertResult.Name(message.result)), message.reason, message.post_id)
        for message in results
    ]


def write_upserted(upserted: Upserted) -> catalog_pb2.UpsertPostsResponse:
    """Write an UpsertPostsResponse."""
    return catalog_pb2.UpsertPostsResponse(
        position=upserted.position,
        results=[
            catalog_pb2.PostResult(result=row.result.value, reason=row.reason, post_id=row.post_id)
            for row in upserted.results
        ],
    )


def read_names(request: catalog_pb2.DeletePostsRequest | catalog_pb2.GetPostsRequest) -> PostNames:
    """Read which posts are meant."""
    return PostNames(tuple(request.post_ids), tuple(request.external_ids))


def read_kept(message: catalog_pb2.KeptPost) -> KeptPost:
    """Read a post as it is kept."""
    return KeptPost(read_post(message.post), PostState(catalog_pb2.PostState.Name(message.state)), message.position)


def write_kept(posts: Iterable[KeptPost]) -> catalog_pb2.GetPostsResponse:
    """Write a GetPostsResponse."""
    return catalog_pb2.GetPostsResponse(posts=map(_write_kept, posts))


def _write_kept(kept: KeptPost) -> catalog_pb2.KeptPost:
    return catalog_pb2.KeptPost(post=write_post(kept.post), state=kept.state.value, position=kept.position)


def read_post_document(body: bytes, names: PostNames) -> Post:
    """Read a post from JSON, and its name from the path; MalformedDocumentError, InvalidPostError."""
    try:
        message = fill(catalog_pb2.Post(), read_json_object(body))
    except UnreadableFieldError as error:
        raise InvalidPostError(str(error)) from error
    if names.post_ids:
        (post_id,) = names.post_ids
        if message.HasField("post_id") and message.post_id != post_id:
            raise InvalidPostError("post_id: is not the one in the path")
        message.post_id = post_id
    else:
        (external_id,) = names.external_ids
        if message.external_id not in {"", external_id}:
            raise InvalidPostError("external_id: is not the one in the path")
        message.external_id = external_id
    return read_post(message)


def kept_document(kept: KeptPost, *, ids: Callable[[int], int | str] = int) -> Mapping[str, object]:
    """A post as it is kept, as JSON has it; ``ids`` is how JSON carries post ids."""
    post = document_of(write_post(kept.post), id_fields=_ID_FIELDS, ids=ids)
    return {"post": post, "state": kept.state.name, "position": kept.position}
