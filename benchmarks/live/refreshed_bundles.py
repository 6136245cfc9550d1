"""Bundles that a swap needs: the current one with the posts of the store in it, and the same one under another id."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bundle import file_names
from bundle.directory import Bundle, current_bundle, open_bundle, point_current_at, write_bundle
from bundle.index_posts import Category, IndexPosts
from bundle.manifest import Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from store.port import Store
from store.posts import PostEmbedding, PostRevision

_OF_INDEX = {
    file_names.INDEX_ARRAYS,
    file_names.INDEX_POSTS,
    file_names.CATEGORIES,
    file_names.POST_TRENDS,
    file_names.POST_STEPS,
}


def publish_refreshed(root: Path, store: Store) -> str:
    """Make a bundle current that holds the posts up to a position of the log; gives its id.

    It stands for `moodfeed refresh`: the embeddings of the same towers are those that the store keeps.
    """
    bundle = open_bundle(current_bundle(root))
    base, position = bundle.manifest.log_position, store.position()
    revisions = {each.post_id: each for each in store.post_revisions(after=base)}
    embedded = {each.post_id: each for each in store.embeddings(bundle.bundle_id, after=base)}
    for revision in revisions.values():
        if revision.post is not None and not _is_embedded(revision, embedded):
            position = min(position, revision.position - 1)
    taken = {number: each for number, each in revisions.items() if each.position <= position}
    manifest = replace(bundle.manifest, log_position=max(position, base))
    return _publish(root, bundle, manifest, _with(IndexPosts.read(bundle), taken, embedded, changed=set(revisions)))


def publish_another(root: Path, *, number: int) -> str:
    """Make a bundle current that differs from the current one in its id and by a hair in a weight; gives its id.

    It lacks every live post that the current one lacks.
    """
    bundle = open_bundle(current_bundle(root))
    manifest = replace(bundle.manifest, user_weight=bundle.manifest.user_weight + 1e-6 * (1 + number))
    return _publish(root, bundle, manifest, IndexPosts.read(bundle))


def _publish(root: Path, bundle: Bundle, manifest: Manifest, posts: IndexPosts) -> str:
    def write_files(directory: Path) -> None:
        for name in set(bundle.manifest.files) - _OF_INDEX:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(bundle.path(name), directory / name)
        posts.write(directory)
        PostTrends.none(len(posts.posts)).write(directory)
        PostSteps.none(len(posts.posts)).write(directory)

    directory = write_bundle(root, manifest, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return directory.name


def _is_embedded(revision: PostRevision, embedded: Mapping[int, PostEmbedding]) -> bool:
    kept = embedded.get(revision.post_id)
    is_servable = revision.post is not None and revision.post.is_servable
    return not is_servable or (kept is not None and kept.revision == revision.position)


def _with(
    posts: IndexPosts,
    taken: Mapping[int, PostRevision],
    embedded: Mapping[int, PostEmbedding],
    *,
    changed: set[int],
) -> IndexPosts:
    """The posts without the ``changed`` ones, and with the ``taken`` ones as they are now."""
    old = np.flatnonzero(~np.isin(posts.post_ids, list(changed)))
    new = [
        (each.post, embedded[number])
        for number, each in sorted(taken.items())
        if each.post is not None and each.post.is_servable
    ]
    ids = np.concatenate([posts.post_ids[old], np.array([post.post_id for post, _ in new], np.int64)])
    category_ids = np.concatenate([posts.category_ids[old], np.array([post.category_id for post, _ in new], np.int32)])
    order = np.lexsort((ids, category_ids))
    tower = [np.frombuffer(each.tower, "<f4") for _, each in new]
    text = [np.frombuffer(each.text, "<f2") for _, each in new]
    served = [
        *posts.posts.at(old),
        *(
            ServedPost(
                post.post_id,
                post.video_link,
                post.title,
                post.thumbnail_url,
                post.category_id,
                post.owner_username,
                post.external_id,
                post.language,
            )
            for post, _ in new
        ),
    ]
    names = {each.category_id: each.name for each in posts.categories}
    names |= {post.category_id: post.category_name for post, _ in new if post.category_name}
    return IndexPosts(
        post_ids=ids[order],
        category_ids=category_ids[order],
        tower_embeddings=np.concatenate([posts.tower_embeddings[old], *(each[None] for each in tower)])[order],
        text_embeddings=np.concatenate([posts.text_embeddings[old], *(each[None] for each in text)])[order],
        popularity=np.concatenate([posts.popularity[old], np.zeros(len(new), np.float32)])[order],
        created_ms=np.concatenate([posts.created_ms[old], np.array([post.created_at_ms for post, _ in new], np.int64)])[
            order
        ],
        posts=PostTable.of(served[row] for row in order.tolist()),
        categories=tuple(Category(number, names[number]) for number in np.unique(category_ids).tolist() if number),
    )
