"""The commands and the real processes: what is published is served, and what a process refuses is shown and undone."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import current_bundle, open_bundle, point_current_at, write_bundle
from bundle.file_names import CANARIES
from cli.subcommands import app
from tests.faults.fleet import INDEXES, TOWERS, running_fleet

pytestmark = pytest.mark.usefixtures("only_when_asked_for")


def variant(root: Path, original: Path, *, library_versions: dict[str, str], canaries: CanaryEmbeddings) -> Path:
    """The original with other facts, so with another id."""
    bundle = open_bundle(original)

    def write_files(directory: Path) -> None:
        for name in bundle.manifest.files:
            (directory / name).parent.mkdir(exist_ok=True)
            if name != CANARIES:
                os.link(bundle.path(name), directory / name)
        canaries.write(directory)

    manifest = replace(bundle.manifest, library_versions=library_versions, files={})
    return write_bundle(root, manifest, write_files=write_files, sidecar={})


def test_publish_and_rollback_reach_the_processes_and_a_refusal_leaves_the_old_bundle_serving(
    small_bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "bundles"
    first = current_bundle(small_bundles)
    shutil.copytree(first, root / first.name, copy_function=os.link)
    point_current_at(root, first.name)
    sound = CanaryEmbeddings.read(open_bundle(first))
    turned = CanaryEmbeddings(np.roll(sound.user_embeddings, 1, axis=1), sound.mood_embeddings)
    second = variant(root, first, library_versions={"numpy": "another"}, canaries=sound)
    refused = variant(root, first, library_versions={"numpy": "a third"}, canaries=turned)
    monkeypatch.setattr("cli.progress.console._width", 300)

    with running_fleet(root, tmp_path / "logs", replicas=1) as fleet:
        addresses = (fleet.addresses[TOWERS[0]], fleet.addresses[INDEXES[0]])

        def ask(*arguments: str, exit_code: int = 0) -> str:
            processes = [option for address in addresses for option in ("--process", address)]
            result = CliRunner().invoke(app, [*arguments, "--bundles", str(root), *processes])
            assert result.exit_code == exit_code, result.output
            return result.output

        def serve(output: str, bundle: Path) -> list[bool]:
            return [f"{address} │ {bundle.name[:12]}" in output for address in addresses]

        assert all(serve(ask("bundles"), first))
        assert all(serve(ask("publish", second.name[:12]), second))
        output = ask("publish", refused.name[:12], exit_code=1)
        assert "BUNDLE_REFUSED" in output
        assert "canary" in output
        assert not any(serve(output, refused))
        assert all(serve(ask("bundles"), second))
        assert all(serve(ask("rollback"), second))
        assert all(serve(ask("rollback", first.name[:12]), first))
