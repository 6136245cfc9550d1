"""Posts that come while the product serves, as the figures make them: no two have the same text, none is remembered."""

from store.posts import Post

FIRST_ID = 1_000_000
"""Above those of all bundles that are measured."""

_THEMES = (
    "a calm evening by the sea",
    "a loud party in town",
    "a cat plays the piano",
    "rain on a tent",
    "learning to cook rice",
    "football in the snow",
    "a sad song on an old guitar",
    "laughing friends at a lake",
)
THEMES = len(_THEMES)


def live_post(number: int, category_id: int, *, post_id: int = 0, theme: int | None = None) -> Post:
    """Post ``number``, of the theme of its number unless another one is given; the category is named by its id."""
    words = _THEMES[(number if theme is None else theme) % THEMES]
    return Post(
        post_id=post_id or FIRST_ID + number,
        category_id=category_id,
        category_name=f"category {category_id}",
        title=f"{words}, take {number}",
        video_link=f"https://video.example/{number}.mp4",
        created_at_ms=0,
    )
