"""`python -m benchmarks`: what Moodfeed costs on this machine, beside floors, other engines and the predecessor."""

from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


class Part(StrEnum):
    """What can be measured on its own."""

    SERVING = "serving"
    ENCODER = "encoder"
    INDEX = "index"
    GROWTH = "growth"


@app.command()
def bench(
    part: Annotated[list[Part] | None, typer.Option(help="Part to measure; may be repeated. All by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds; figures are medians over them.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of each serving row in each round.")] = 3.0,
    posts: Annotated[int, typer.Option(min=20_000, help="Number of posts in the largest index.")] = 1_000_000,
    output: Annotated[Path | None, typer.Option(help="Directory to write bench.md, bench.json and plots to.")] = None,
) -> None:
    """Measure Moodfeed beside its floors, other engines and its predecessor; takes a quarter of an hour.

    Exits with code 1 if a feed was wrong.
    """
    from benchmarks.machine import describe_machine
    from benchmarks.measure import Bench
    from benchmarks.report import as_markdown, write_json, write_plots

    with console.status("the machine") as status:
        machine = describe_machine()
        measured = Bench(rounds=rounds, seconds=seconds, posts=posts, on_step=status.update)
        for name in part or list(Part):
            with TemporaryDirectory(prefix="moodfeed-bench-") as scratch:
                measured.run(name, Path(scratch))
    text = as_markdown(machine, measured)
    console.print(Markdown(text))
    for row in measured.serving:
        for example in row.examples:
            console.print(f"[bold red]{row.name}[/bold red]: {example}", soft_wrap=True)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "bench.md").write_text(text, encoding="utf-8")
        write_json(machine, measured, output / "bench.json")
        plots = write_plots(measured, output)
        console.print(f"Written to {output}: bench.md, bench.json{''.join(f', {path.name}' for path in plots)}.")
    if any(row.wrong for row in measured.serving):
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
