"""`moodfeed sample-api`: serve the sample API in the foreground."""

from typing import Annotated

import typer

from cli.progress import console
from sample_api.faults import Faults
from sample_api.server import SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, serve
from sample_api.sizes import MOST_SCALE
from sample_api.world import DEFAULT_SEED, generate_world


def sample_api(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any free port.")] = 8100,
    seed: Annotated[int, typer.Option(help="Random seed; equal seeds give equal data.")] = DEFAULT_SEED,
    scale: Annotated[
        float,
        typer.Option(
            min=1,
            max=MOST_SCALE,
            help="Size of the data: 1 gives 1,207 people, 1,251 posts and about 9,500 events; people and events grow "
            "with the scale, posts with its square root.",
        ),
    ] = 1.0,
    faults: Annotated[
        str, typer.Option(help='Faults to inject, such as "429:every=5,retry_after=2 cut:every=9 wrong-shape".')
    ] = "",
) -> None:
    """Serve a stand-in for the upstream API until Ctrl-C."""
    wanted = Faults.parse(faults)
    with console.status("Generating data"):
        world = generate_world(seed, scale=scale)

    def announce(url: str) -> None:
        console.print(
            f"Sample API at {url}. In another terminal:\n"
            f"  MOODFEED_UPSTREAM_URL={url} MOODFEED_FLIC_TOKEN={SAMPLE_TOKEN} \\\n"
            f"  MOODFEED_RESONANCE_ALGORITHM={SAMPLE_RESONANCE_ALGORITHM} .venv/bin/moodfeed fetch",
            highlight=False,
            soft_wrap=True,
        )

    serve(world, port=port, faults=wanted, on_listening=announce)
