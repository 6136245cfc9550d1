"""`moodfeed bench`: what serving costs here, beside floors and the predecessor."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.markdown import Markdown

from cli.progress import console


def bench(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, interleaved; medians are over them.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="Of each row in each round.")] = 3.0,
    output: Annotated[
        Path | None, typer.Option(help="Directory for serving.md, serving.json and serving.png; by default none.")
    ] = None,
) -> None:
    """Measure the product beside an echo, the predecessor's way and the machine; some minutes."""
    from benchmarks.machine import describe_machine
    from benchmarks.report import as_markdown, write_json, write_plot
    from benchmarks.serving import measure_serving

    with TemporaryDirectory(prefix="moodfeed-bench-") as scratch, console.status("bench: the machine") as status:
        machine = describe_machine()

        def on_row(turn: int, name: str) -> None:
            status.update(f"bench: {'warming' if not turn else f'round {turn} of {rounds}'}, {name}")

        measured = measure_serving(Path(scratch), rounds=rounds, seconds=seconds, on_row=on_row)
    text = as_markdown(machine, measured, rounds=rounds, seconds=seconds)
    console.print(Markdown(text))
    for row in measured:
        for example in row.examples:
            console.print(f"[bold red]{row.name}[/bold red]: {example}", soft_wrap=True)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "serving.md").write_text(text)
        write_json(machine, measured, output / "serving.json")
        write_plot(measured, output / "serving.png")
        console.print(f"Written to {output}: serving.md, serving.json, serving.png.")
    if any(row.wrong for row in measured):
        raise typer.Exit(1)
