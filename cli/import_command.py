"""`moodfeed import`: files from other programs to clean tables; guesses are shown before they are used."""

from contextlib import nullcontext
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.one_writer import only_writer
from cli.pipeline_commands import DataOption, LossesOption
from cli.progress import console, working
from cli.result_rows import print_rows

if TYPE_CHECKING:
    from pipeline.foreign.columns import NamedColumns, Role
    from pipeline.foreign.formats import Source


def column_option(role: str, what: str) -> "typer.models.OptionInfo":
    """The option that names the column of a role."""
    option: typer.models.OptionInfo = typer.Option(
        f"--{role}-column",
        help=what,
        show_default=False,
        rich_help_panel="Columns, guessed from their names by default",
    )
    return option


Column = str | None


def import_data(
    paths: Annotated[
        list[Path], typer.Argument(help="A file of interactions, a directory, or several files.", show_default=False)
    ],
    data: DataOption = Path("data"),
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="tables, recbole, movielens, gorse or microlens; detected by default.",
            show_default=False,
        ),
    ] = None,
    posts: Annotated[Path | None, typer.Option(help="File of the posts.", show_default=False)] = None,
    users: Annotated[
        Path | None, typer.Option(help="File of the people; only ids are read.", show_default=False)
    ] = None,
    verb: Annotated[
        list[str] | None,
        typer.Option(
            help="WORD=VERB maps WORD in the verb column to view, like, inspire or rating; VERB alone sets the verb of "
            "all rows. May be repeated.",
            show_default=False,
        ),
    ] = None,
    best_rating: Annotated[
        float | None,
        typer.Option(
            help="The best possible rating; by default the smallest of 1, 5, 10 and 100 that no rating exceeds.",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text files, such as latin-1; utf-8 by default.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything and show what would be imported, but write nothing.")
    ] = False,
    accept_losses: LossesOption = False,
    user_column: Annotated[Column, column_option("user", "The person's id, which becomes the username.")] = None,
    post_column: Annotated[Column, column_option("post", "The post's id.")] = None,
    time_column: Annotated[
        Column, column_option("time", "The timestamp; without it, only the order of rows matters.")
    ] = None,
    order_column: Annotated[
        Column, column_option("order", "The position in the person's history, if there are no timestamps.")
    ] = None,
    verb_column: Annotated[Column, column_option("verb", "The verb: what the person did.")] = None,
    rating_column: Annotated[Column, column_option("rating", "The person's rating of the post.")] = None,
    id_column: Annotated[Column, column_option("id", "Posts file: the post's id; default: --post-column.")] = None,
    title_column: Annotated[Column, column_option("title", "Posts file: the title.")] = None,
    description_column: Annotated[Column, column_option("description", "Posts file: the text.")] = None,
    keywords_column: Annotated[Column, column_option("keywords", "Posts file: tags, separated by | or commas.")] = None,
    category_column: Annotated[
        Column, column_option("category", "Posts file: the category's name; the first of several is taken.")
    ] = None,
    category_id_column: Annotated[Column, column_option("category-id", "Posts file: the category's number.")] = None,
    created_column: Annotated[Column, column_option("created", "Posts file: the time of creation.")] = None,
    link_column: Annotated[Column, column_option("link", "Posts file: the URL of the video.")] = None,
    thumbnail_column: Annotated[Column, column_option("thumbnail", "Posts file: the URL of the thumbnail.")] = None,
    owner_column: Annotated[Column, column_option("owner", "Posts file: the username of the owner.")] = None,
    language_column: Annotated[Column, column_option("language", "Posts file: the language, such as en.")] = None,
    hidden_column: Annotated[
        Column, column_option("hidden", "Posts file: a flag; flagged posts are never served.")
    ] = None,
) -> None:
    """Import files from other programs as clean tables, in place of fetch and clean; `moodfeed run` serves them.

    An empty name, such as --time-column "", means that no column has that role.
    """
    from pipeline.foreign.columns import Role
    from pipeline.foreign.errors import ImportSourceError
    from pipeline.foreign.formats import Format, Wanted, recognise
    from pipeline.foreign.import_files import import_files
    from pipeline.foreign.staged_events import Meaning
    from pipeline.foreign.verb_words import read_verb_options
    from pipeline.forget import forget_in_tables
    from pipeline.forgotten import Forgotten
    from pipeline.workspace import Workspace

    if format_name is not None and format_name not in set(Format):
        raise typer.BadParameter(f"{format_name!r} is not one of {', '.join(Format)}", param_hint="--format")
    if best_rating is not None and not 0 < best_rating < inf:
        raise typer.BadParameter(f"{best_rating} is not a number above 0", param_hint="--best-rating")
    workspace = Workspace(data)
    if workspace.raw.exists():
        raise ImportSourceError(
            f"{workspace.raw} holds rows of the upstream API: import into another directory with --data OTHER"
        )
    words, verb_of_all = read_verb_options(tuple(verb or ()))
    source = recognise(
        paths,
        Wanted(
            format=Format(format_name) if format_name else None,
            posts=posts,
            users=users,
            interaction_columns=_named(
                {
                    Role.USER: user_column,
                    Role.POST: post_column,
                    Role.TIME: time_column,
                    Role.ORDER: order_column,
                    Role.VERB: verb_column,
                    Role.RATING: rating_column,
                }
            ),
            post_columns=_named(
                {
                    Role.POST: id_column,
                    Role.TITLE: title_column,
                    Role.DESCRIPTION: description_column,
                    Role.KEYWORDS: keywords_column,
                    Role.CATEGORY: category_column,
                    Role.CATEGORY_ID: category_id_column,
                    Role.CREATED: created_column,
                    Role.LINK: link_column,
                    Role.THUMBNAIL: thumbnail_column,
                    Role.OWNER: owner_column,
                    Role.LANGUAGE: language_column,
                    Role.HIDDEN: hidden_column,
                }
            ),
            encoding=encoding,
        ),
    )
    _show(source)
    with nullcontext() if dry_run else only_writer(workspace.directory), working("import") as on_progress:
        imported = import_files(
            source,
            workspace.clean,
            meaning=Meaning(words=words, verb=verb_of_all, best_rating=best_rating),
            accept_losses=accept_losses,
            is_dry_run=dry_run,
            on_progress=on_progress,
        )
        if not dry_run:
            forget_in_tables(workspace, Forgotten.read(workspace.forgotten))
    if imported.best_rating is not None:
        console.print(f"Ratings are read on a scale of 0 to {imported.best_rating:g}.")
    if not imported.is_timed:
        console.print("No timestamps: only the order of each person's interactions counts; trends and ages are off.")
    print_rows("Would be imported" if dry_run else "Imported", imported.report.rows())


def _named(options: "dict[Role, str | None]") -> "NamedColumns":
    from pipeline.foreign.columns import NamedColumns

    return NamedColumns({role: name for role, name in options.items() if name is not None})


def _show(source: "Source") -> None:
    """Print the format, the files and their columns before they are read."""
    console.print(f"Format: {source.format}", markup=False, highlight=False)
    for what, table in (("interactions", source.interactions), ("posts", source.posts), ("people", source.users)):
        if table is None:
            continue
        console.print(f"{what}: {table.table.path}", markup=False, highlight=False, soft_wrap=True)
        for column in table.columns:
            guessed = "  (guessed)" if column.is_guessed else ""
            console.print(f"  {column.role:<12} {column.name}{guessed}", markup=False, highlight=False, soft_wrap=True)
    if source.posts is None:
        console.print(
            "posts: those that occur in the interactions, without titles (--posts FILE adds titles)", markup=False
        )
