import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.clean import REPORT_FILE
from pipeline.import_microlens import END, ImportSourceError, import_microlens
from pipeline.tables import read_interactions, read_posts, read_users


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two people, three posts; one interaction with an unknown post and one repeated."""
    rows = [(1, 10, 0), (1, 30, 2), (1, 20, 1), (2, 20, 0), (2, 99, 1), (2, 20, 2)]
    pd.DataFrame(rows, columns=["user_id", "post_id", "position"]).to_parquet(tmp_path / "interactions.parquet")
    pd.DataFrame(
        {
            "post_id": [10, 20, 30],
            "title": ["a dog", "a song", "a goal"],
            "hashtags": [["pets", "dog"], [], ["football"]],
            "category_id": [1, 2, 0],
            "category": ["pets", "music", "other"],
        }
    ).to_parquet(tmp_path / "posts.parquet")
    return tmp_path


def test_the_order_of_a_history_becomes_its_clock(source: Path, tmp_path: Path) -> None:
    import_microlens(source, tmp_path / "clean")
    interactions = read_interactions(tmp_path / "clean")
    history = interactions[interactions["user_id"] == 1]
    assert history["post_id"].tolist() == [10, 20, 30]
    assert set(interactions.groupby("user_id")["at"].max()) == {END}


def test_posts_and_people_are_ready_for_the_later_stages(source: Path, tmp_path: Path) -> None:
    import_microlens(source, tmp_path / "clean")
    posts = read_posts(tmp_path / "clean")
    assert posts["summary_text"].tolist() == ["a dog", "a song", "a goal"]
    assert posts["category_id"].isna().tolist() == [False, False, True]
    assert posts["keywords"].tolist() == ["pets, dog", "", "football"]
    assert posts["is_servable"].all()
    assert read_users(tmp_path / "clean")["username"].tolist() == ["microlens-1", "microlens-2"]


def test_what_is_left_out_is_counted_with_its_reason(source: Path, tmp_path: Path) -> None:
    report = import_microlens(source, tmp_path / "clean")
    assert report.kept == {"post": 3, "user": 2, "interaction": 4}
    assert {(finding.reason, finding.count) for finding in report.findings} == {
        ("unknown post: dropped", 1),
        ("duplicate user and post: kept once", 1),
    }
    assert json.loads((tmp_path / "clean" / REPORT_FILE).read_bytes())["kept"]["interaction"] == 4


def test_a_directory_without_the_files_is_refused_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    (source / "posts.parquet").unlink()
    with pytest.raises(ImportSourceError, match=r"posts\.parquet is missing"):
        import_microlens(source, tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def test_an_id_that_is_no_integer_is_refused_by_its_column(source: Path, tmp_path: Path) -> None:
    path = source / "interactions.parquet"
    pd.read_parquet(path).assign(post_id="x").to_parquet(path)
    with pytest.raises(ImportSourceError, match="post_id holds a value that is not an integer"):
        import_microlens(source, tmp_path / "clean")


def test_a_post_may_lack_hashtags(source: Path, tmp_path: Path) -> None:
    path = source / "posts.parquet"
    pd.read_parquet(path).assign(hashtags=None).to_parquet(path)
    import_microlens(source, tmp_path / "clean")
    assert read_posts(tmp_path / "clean")["keywords"].tolist() == ["", "", ""]


@pytest.mark.parametrize("broken", [b"no parquet", None])
def test_a_broken_file_is_named(source: Path, tmp_path: Path, broken: bytes | None) -> None:
    path = source / "interactions.parquet"
    if broken:
        path.write_bytes(broken)
    else:
        pd.read_parquet(path).drop(columns="position").to_parquet(path)
    with pytest.raises(ImportSourceError, match=r"interactions\.parquet(: column position is missing| cannot be read)"):
        import_microlens(source, tmp_path / "clean")
