"""The options of `moodfeed feed` that say which posts are wanted, and how they are reordered and explained."""

from datetime import datetime
from typing import Annotated

import typer

CategoriesOption = Annotated[
    list[int] | None,
    typer.Option("--of-category", help="Only posts of this category; may be repeated for several."),
]
WithoutCategoriesOption = Annotated[
    list[int] | None, typer.Option("--without-category", help="No posts of this category; may be repeated.")
]
WithoutOwnersOption = Annotated[
    list[str] | None, typer.Option("--without-owner", help="No posts of this account; may be repeated.")
]
CreatedAfterOption = Annotated[datetime | None, typer.Option(help="Only posts created after this time, in UTC.")]
LanguagesOption = Annotated[
    list[str] | None, typer.Option("--language", help="Only posts of this language; may be repeated.")
]
OwnPostsOption = Annotated[bool, typer.Option("--own-posts", help="Include the user's own posts.")]
DiversityOption = Annotated[
    float, typer.Option(min=0, max=1, help="From 0 to 1: how much the posts on a page should differ.")
]
MostPerOwnerOption = Annotated[
    int, typer.Option(min=0, help="The most posts of one account on a page; 0 for no limit.")
]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Say why each post is there; shown only with --json.")]
