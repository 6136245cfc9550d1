"""The table of all searches: what is asked for, what scans the posts, and what ranks those that the scan finds.

The arrays are sorted by category, so a category is a slice of each array and a search scans that slice alone. (A FAISS
selector over all posts measured up to 400 times slower.) A scan has a known largest error, and as many rows are ranked
by exact scores as it takes to prove that no other row belongs among the first. The one exception is a search by user
over all of very many posts: it ranks a shortlist first, which may miss a post.
"""

from functools import partial

import numpy as np

from bundle.embedding_space import Vector
from bundle.index_posts import IndexPosts
from post_index_service.blended_order import ByBlend, ByLikelyBlend
from post_index_service.closeness import Closeness, RememberedCloseness
from post_index_service.coded_scans import CodedScans
from post_index_service.codes import rounding_of_products
from post_index_service.filtered_scans import SkippingScan
from post_index_service.filters import Allowed
from post_index_service.layer import LayerPart
from post_index_service.layered_ranking import Layered, LiveByPopularity, LiveByProducts, LiveByTrend, LiveOrder
from post_index_service.living_shares import Blended
from post_index_service.living_term import LivingTerm, live_term
from post_index_service.popular_orders import ByPopularity, ByTrend
from post_index_service.ranking import (
    ByInnerProducts,
    ByShortlist,
    ClosenessScan,
    DenseScan,
    InnerProduct,
    KeyedOrder,
    Order,
    Product,
    Scan,
)
from post_index_service.rankings import Ranking
from post_index_service.scans import Certainty, Engine, Scans
from post_index_service.shortlist import Shortlist
from post_index_service.similar import Likeness
from post_index_service.trends import Epoch

MOST_EXACT = 200_000
"""The largest index in which a search by user over all posts is exact; in a larger one it uses a shortlist."""
MOST_DENSE = 4_096
"""The largest slice whose vectors are scanned instead of their codes, and whose closeness to a mood is remembered."""


class Orders:
    """The orders of the posts of one bundle, and of the live ones over them; may be called from several threads."""

    def __init__(
        self,
        posts: IndexPosts,
        *,
        user_weight: float,
        most_exact: int = MOST_EXACT,
        most_dense: int = MOST_DENSE,
        engine: Engine | None = None,
        held: slice | None = None,
    ) -> None:
        """``user_weight`` is the weight of the user's score beside that of a mood or of a post.

        Without another ``engine``, the codes of the posts are made and scanned here. No rows but the ``held`` ones are
        ever asked for, by default all.
        """
        self.user_weight = float(np.float32(user_weight))
        self._posts = posts
        held = held or slice(0, len(posts.posts))
        self._engine = engine or CodedScans(posts, most_exact=most_exact, held=held)
        self._tower_rounding = rounding_of_products(posts.tower_embeddings[held])
        self._most_dense = most_dense
        self._closeness = RememberedCloseness()

    @property
    def shortlist(self) -> Shortlist | None:
        """That of our own engine; None if there is none."""
        return self._engine.whole_shortlist if isinstance(self._engine, CodedScans) else None

    def scans(self, certainty: Certainty, *, seconds: float) -> Scans:
        """Those of one search."""
        return self._engine.scans(certainty, seconds=seconds)

    def layered(
        self,
        part: LayerPart,
        user: Vector | None,
        mood: Vector | None,
        epoch: Epoch | None,
        *,
        blended: Blended | None = None,
        scans: Scans | None = None,
    ) -> tuple[Ranking, Order]:
        """The order of the rows of a part: those of its slice, and the live ones if there are any."""
        largest = _largest_trend(part, epoch)
        ranking, frozen = self.of_slice(
            part.span, user, mood, epoch, part.allowed, blended=blended, scans=scans, largest_trend=largest
        )
        if not len(part.live_rows):
            return ranking, frozen
        live = _live_order(part, user=user, mood=mood, epoch=epoch, user_weight=self.user_weight, blended=blended)
        return ranking, Layered(frozen, live, part.frozen_count, part.live_rows)

    def like(self, part: LayerPart, likeness: Likeness, scans: Scans | None = None) -> Layered:
        """The order by closeness to a post."""
        ids, vectors = self._posts.post_ids[part.span], self._posts.tower_embeddings[part.span]
        rounding = self._tower_rounding if len(ids) <= self._most_dense else None
        return likeness.order(part, vectors, scans or self._of_nobody(), ids, rounding=rounding)

    def _of_nobody(self) -> Scans:
        return self.scans(Certainty(), seconds=0.0)

    def of_slice(
        self,
        span: slice,
        user: Vector | None,
        mood: Vector | None,
        epoch: Epoch | None,
        allowed: Allowed | None,
        *,
        blended: Blended | None = None,
        scans: Scans | None = None,
        largest_trend: float = 0.0,
    ) -> tuple[Ranking, KeyedOrder]:
        """The table of all searches: what is asked for, what scans the slice, what the rows are ranked by.

        ``allowed`` are the rows of the slice that may be ranked, None for all. A search by user alone may be
        ``blended``. The ``scans`` are those of the search, by default of one that nobody waits for. By trend,
        ``largest_trend`` is that of what other shards rank.
        """
        post_ids = self._posts.post_ids[span]
        by_mood = None if mood is None else self._closeness_to(span, mood)
        weight = self.user_weight if blended is None else blended.person.weight
        by_user = None if user is None else InnerProduct(self._posts.tower_embeddings[span], user, weight)
        is_small = len(post_ids) <= self._most_dense
        scans = scans or self._of_nobody()
        shortlist = None if is_small else scans.shortlist(span, allowed)
        disallowed = np.flatnonzero(~allowed.mask) if allowed is not None and is_small else None

        def exact(scan: Scan, *products: Product) -> ByInnerProducts:
            return ByInnerProducts(scan if disallowed is None else SkippingScan(scan, disallowed), products, post_ids)

        def found(scan: Scan, *products: Product) -> KeyedOrder:
            return scans.ordered(exact(scan, *products))

        ranking: Ranking
        order: KeyedOrder
        match by_mood, by_user:
            case None, None if epoch is not None:
                popularity = self._posts.popularity[span]
                ranking = Ranking.TRENDING
                order = ByTrend(epoch, span, popularity, post_ids, allowed, largest_elsewhere=largest_trend)
            case None, None:
                ranking, order = Ranking.POPULAR, ByPopularity(self._posts.popularity[span], post_ids, allowed)
            case None, InnerProduct() if blended is not None and is_small and weight:
                known = LivingTerm.of_slice(*blended, span).whole()
                ranking = Ranking.USER
                order = exact(DenseScan(by_user, self._tower_rounding, known), known, by_user)
            case None, InnerProduct() if blended is not None:
                blend = self._by_blend(span, blended, by_user, allowed, scans)
                ranking, order = Ranking.USER, blend
                if shortlist and weight:
                    listed = ByShortlist(blend, shortlist, by_user.query, allowed, also=blend.most_likely)
                    order = ByLikelyBlend(blend, listed)
            case None, InnerProduct() if shortlist:
                everything = exact(scans.by_user(span, by_user, allowed), by_user)
                ranking, order = Ranking.USER, ByShortlist(everything, shortlist, by_user.query, allowed)
            case None, InnerProduct() if is_small:
                ranking, order = Ranking.USER, exact(DenseScan(by_user, self._tower_rounding), by_user)
            case None, InnerProduct():
                ranking, order = Ranking.USER, found(scans.by_user(span, by_user, allowed), by_user)
            case Closeness(), None:
                ranking, order = Ranking.MOOD, exact(ClosenessScan(by_mood), by_mood)
            case InnerProduct(), None:
                ranking, order = Ranking.MOOD, found(scans.by_mood(span, by_mood, None, allowed), by_mood)
            case Closeness(), InnerProduct():
                dense = DenseScan(by_user, self._tower_rounding, by_mood)
                ranking, order = Ranking.MOOD_THEN_USER, exact(dense, by_mood, by_user)
            case InnerProduct(), InnerProduct():
                coded = scans.by_mood(span, by_mood, by_user, allowed)
                ranking, order = Ranking.MOOD_THEN_USER, found(coded, by_mood, by_user)
        return ranking, order

    def _by_blend(
        self, span: slice, blended: Blended, by_user: InnerProduct, allowed: Allowed | None, scans: Scans
    ) -> ByBlend:
        return ByBlend(
            LivingTerm.of_slice(*blended, span),
            by_user,
            self._posts.post_ids[span],
            partial(scans.by_user, span, by_user, allowed),
            self._tower_rounding,
            allowed,
        )

    def _closeness_to(self, span: slice, mood: Vector) -> Closeness | InnerProduct:
        """The remembered closeness of the posts to a mood, or the product to compute it by."""
        by_mood = InnerProduct(self._posts.text_embeddings[span], mood)
        total = span.stop - span.start
        if not 0 < total <= self._most_dense:
            return by_mood
        known = self._closeness.of(mood, (span.start, total), lambda: by_mood.of(np.arange(total)))
        return known or by_mood


def _largest_trend(part: LayerPart, epoch: Epoch | None) -> float:
    """The largest trend of all shards, if the part is that of a shard: its order reaches as far as theirs."""
    if epoch is None or part.elsewhere is None:
        return 0.0
    of_live = epoch.trends(part.layer.live.trend_rows[part.elsewhere])
    return max(epoch.largest, float(of_live.max(initial=0.0)))


def _live_order(
    part: LayerPart,
    *,
    user: Vector | None,
    mood: Vector | None,
    epoch: Epoch | None,
    user_weight: float,
    blended: Blended | None = None,
) -> LiveOrder:
    """The order of the live segment's rows that is the same as PostIndex chooses for those of the bundle."""
    live = part.layer.live
    if blended is not None and user is not None:
        by_user = InnerProduct(live.tower, user, blended.person.weight)
        return LiveByProducts((live_term(*blended, part), by_user), live.ids)
    products = []
    if mood is not None:
        products.append(InnerProduct(live.text, mood))
    if user is not None:
        products.append(InnerProduct(live.tower, user, user_weight))
    if products:
        return LiveByProducts(tuple(products), live.ids)
    if epoch is not None:
        return LiveByTrend(epoch, live.trend_rows, live.popularity, live.ids, part.live_rows)
    return LiveByPopularity(live.popularity, live.ids)
