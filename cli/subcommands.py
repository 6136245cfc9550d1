"""The subcommands of the `moodfeed` command, in the panels of its help."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import (
    bundle_commands,
    collect_command,
    feed_commands,
    forget_command,
    import_command,
    like_command,
    moods_command,
    open_command,
    pipeline_commands,
    post_commands,
    refresh_command,
    report_command,
    rule_commands,
    run_command,
    sample_api_command,
    serve_command,
    similar_command,
    store_commands,
    train_command,
    trust_commands,
    validate_command,
    watch_command,
)

app = typer.Typer(
    help="Personal feeds of short videos: run the offline pipeline, serve feeds, and ask for them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PANELS = {
    "Serve and ask": (
        run_command.run,
        serve_command.serve,
        open_command.open_page,
        feed_commands.feed,
        feed_commands.trending,
        similar_command.similar,
        moods_command.moods,
        feed_commands.users,
        like_command.like,
        watch_command.watch,
    ),
    "Make a bundle": (
        pipeline_commands.build,
        pipeline_commands.fetch,
        pipeline_commands.clean,
        import_command.import_data,
        collect_command.collect,
        validate_command.validate,
        pipeline_commands.score,
        pipeline_commands.embed,
        train_command.train,
        pipeline_commands.evaluate,
        pipeline_commands.export,
        refresh_command.refresh,
    ),
    "Choose the bundle": (
        bundle_commands.publish,
        bundle_commands.rollback,
        bundle_commands.bundles,
        report_command.report,
        forget_command.forget,
    ),
    "Measure": (pipeline_commands.ablate, pipeline_commands.cold_start),
    "Trust and trying out": (
        trust_commands.make_certificates,
        trust_commands.make_token,
        trust_commands.make_password,
        sample_api_command.sample_api,
        run_command.ensure_bundle,
    ),
}
NAMES: dict[object, str] = {import_command.import_data: "import", open_command.open_page: "open"}
"""Of commands that are called like a keyword or a function of Python."""
for panel, commands in PANELS.items():
    for command in commands:
        app.command(NAMES.get(command), rich_help_panel=panel)(command)
for group in (post_commands.app, rule_commands.app):
    app.add_typer(group, rich_help_panel="Posts and rules")
app.add_typer(store_commands.app, rich_help_panel="The store")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"moodfeed {version('moodfeed')}")
        raise typer.Exit


@app.callback()
def _options(
    shown: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
