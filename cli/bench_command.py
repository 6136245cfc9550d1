"""`moodfeed bench`: what Moodfeed costs here, beside floors, peers and the predecessor."""

from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.markdown import Markdown

from cli.progress import console


class Part(StrEnum):
    """What can be measured by itself."""

    SERVING = "serving"
    ENCODER = "encoder"
    INDEX = "index"
    GROWTH = "growth"


def bench(
    part: Annotated[list[Part] | None, typer.Option(help="A part to measure, repeated; by default all.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, interleaved; medians are over them.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="Of each row of serving in each round.")] = 3.0,
    posts: Annotated[int, typer.Option(min=20_000, help="Posts of the largest index.")] = 1_000_000,
    output: Annotated[
        Path | None, typer.Option(help="Directory for bench.md, bench.json and plots; by default none.")
    ] = None,
) -> None:
    """Measure the product beside its floors, other engines and the predecessor's way; a quarter of an hour."""
    from benchmarks.machine import describe_machine
    from benchmarks.measure import Bench
    from benchmarks.report import as_markdown, write_json, write_plots

    with console.status("bench: the machine") as status:
        machine = describe_machine()
        measured = Bench(
            rounds=rounds, seconds=seconds, posts=posts, on_step=lambda step: status.update(f"bench: {step}")
        )
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
        (output / "bench.md").write_text(text)
        write_json(machine, measured, output / "bench.json")
        plots = write_plots(measured, output)
        console.print(f"Written to {output}: bench.md, bench.json{''.join(f', {path.name}' for path in plots)}.")
    if any(row.wrong for row in measured.serving):
        raise typer.Exit(1)
