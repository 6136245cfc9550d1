"""The `moodfeed` command: its subcommands, and expected errors as one line each."""

import sys

import typer
from rich.markup import escape

from cli import (
    bundle_commands,
    feed_commands,
    pipeline_commands,
    report_command,
    run_command,
    sample_api_command,
    serve_command,
    trust_commands,
)
from cli.progress import error_console

app = typer.Typer(
    help="Personal feeds of short videos: run the offline pipeline, serve feeds, and ask for them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    run_command.run,
    serve_command.serve,
    feed_commands.feed,
    feed_commands.users,
    pipeline_commands.build,
    pipeline_commands.fetch,
    pipeline_commands.clean,
    pipeline_commands.import_microlens,
    pipeline_commands.score,
    pipeline_commands.embed,
    pipeline_commands.train,
    pipeline_commands.evaluate,
    pipeline_commands.ablate,
    pipeline_commands.cold_start,
    pipeline_commands.export,
    bundle_commands.publish,
    bundle_commands.rollback,
    bundle_commands.bundles,
    report_command.report,
    run_command.ensure_bundle,
    sample_api_command.sample_api,
    trust_commands.make_certificates,
    trust_commands.make_token,
):
    app.command()(command)


def main() -> None:
    """Run a subcommand. Exit codes: 0 success, 1 an expected error in one line, 2 wrong usage, 130 Ctrl-C."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from cli.errors import EXPECTED_ERRORS  # noqa: PLC0415 - it knows every stage, so it imports torch

        if not isinstance(error, EXPECTED_ERRORS):
            raise
        error_console.print(f"[bold red]error:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
