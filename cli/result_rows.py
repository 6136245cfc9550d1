"""A stage's result as a table on the screen."""

from rich.table import Table
from rich.text import Text

from cli.progress import console
from cli.terminal_text import printable


def print_rows(title: str, rows: list[tuple[str, ...]]) -> None:
    """Print rows below a title; the first has the headings."""
    table = Table(title=title, title_justify="left")
    heading, *body = rows
    for name in heading:
        table.add_column(name)
    for row in body:
        table.add_row(*(Text(printable(cell)) for cell in row))  # examples are other people's texts
    console.print(table)
