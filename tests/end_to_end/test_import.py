"""Two commands from a foreign file to a feed: `moodfeed import` and `moodfeed run`."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle
from bundle.known_users import KnownUsers
from tests.end_to_end.conftest import free_addresses

BIN = Path(sys.executable).parent
WORDS = {"pets": ("dog", "cat", "parrot"), "music": ("song", "guitar", "piano"), "sport": ("goal", "match", "keeper")}
POSTS, PEOPLE = 45, 60
DAY = 86_400


def write_foreign_set(directory: Path) -> Path:
    """People who stay in one of three categories; every id is a text. Returns the directory."""
    directory.mkdir()
    names = list(WORDS)
    chooser = random.Random(0)
    posts = ["video_id,title,category"]
    for number in range(POSTS):
        name = names[number % 3]
        posts.append(f"clip-{number:03},a funny {WORDS[name][number // 3 % 3]} number {number},{name}")
    events = ["user,video,action,time"]
    for person in range(PEOPLE):
        met = chooser.sample(range(person % 3, POSTS, 3), 8)
        for place, number in enumerate(met):
            moment = 1_700_000_000 + person * 40_000 + place * 9 * DAY
            events.append(f"person {person},clip-{number:03},{chooser.choice(('watch', 'like'))},{moment}")
    (directory / "videos.csv").write_text("\n".join(posts) + "\n", encoding="utf-8")
    (directory / "events.csv").write_text("\n".join(events) + "\n", encoding="utf-8")
    return directory


@pytest.mark.timeout(600)
def test_two_commands_lead_from_a_foreign_file_to_a_feed(tmp_path: Path) -> None:
    source = write_foreign_set(tmp_path / "their files")
    data, bundles = tmp_path / "data", tmp_path / "bundles"
    imported = moodfeed("import", source, "--data", data)
    assert "user         user  (guessed)" in imported.stdout
    run = moodfeed("run", "--once", "--data", data, "--bundles", bundles)
    assert f"No bundle yet: making one from the imported tables in {data / 'clean'}" in run.stdout
    assert "RANKING_USER" in run.stdout
    assert "clip-0" in run.stdout  # what the posts were called
    assert "pets" in run.stdout or "music" in run.stdout or "sport" in run.stdout
    users = KnownUsers.read(open_bundle(current_bundle(bundles)))
    assert set(users.usernames) == {f"person {number}" for number in range(PEOPLE)}
    assert not (data / "raw.sqlite").exists()


def moodfeed(*arguments: object) -> "subprocess.CompletedProcess[str]":
    addresses = free_addresses()
    done = subprocess.run(
        [BIN / "moodfeed", *map(str, arguments)],
        env=os.environ
        | addresses.as_environment()
        | {
            "MOODFEED_USER_TOWER_METRICS_PORT": "0",
            "MOODFEED_POST_INDEX_METRICS_PORT": "0",
            "COLUMNS": "160",
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
