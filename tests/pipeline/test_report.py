import struct
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.file_names import REPORT
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from pipeline.dataset import Dataset
from pipeline.evaluation import MODEL_NAME, Evaluation, Month, fraction
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.mood_quality import MoodQuality
from pipeline.report import Report
from pipeline.report_examples import SHOWN_HISTORY, ReportExamples, choose_examples
from pipeline.report_plots import HISTORY_LENGTH, LIVE, MONTHS, POST_AGE, POST_MEETINGS, TRAINING, draw_plots
from pipeline.validation_report import Finding, Level, ValidationReport
from tests.pipeline.live_document import live_document

VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def bundle(small_bundles: Path) -> Bundle:
    return open_bundle(current_bundle(small_bundles))


@pytest.fixture(scope="module")
def users(bundle: Bundle) -> KnownUsers:
    return KnownUsers.read(bundle)


@pytest.fixture(scope="module")
def index(bundle: Bundle) -> IndexPosts:
    return IndexPosts.read(bundle)


def examples_of(dataset: Dataset, index: IndexPosts, users: KnownUsers) -> ReportExamples:
    """Real users and posts, ranked by popularity: no tower is needed to see whether the page shows them."""

    def rank(
        user: NDArray[np.float32],
        mood: NDArray[np.float32] | None,
        category_id: int | None,
        *,
        met: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        allowed = ~np.isin(index.post_ids, met)
        if category_id is not None:
            allowed &= index.category_ids == category_id
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(-index.popularity[rows], kind="stable")][:10]
        return rows, index.popularity[rows]

    return choose_examples(
        dataset,
        index=index,
        users=users,
        encode=lambda rows: np.zeros((len(rows), 4), dtype=np.float32),
        rank=rank,
        moods={"calm": np.zeros(4, dtype=np.float32), "<b>wild</b>": np.zeros(4, dtype=np.float32)},
    )


def page_of(evaluation: Evaluation, examples: ReportExamples, directory: Path, **shown: object) -> str:
    counts = dict.fromkeys(
        ("posts", "servable_posts", "categories", "users", "users_with_history", "interactions"), 1234
    )
    directory.mkdir(parents=True, exist_ok=True)
    report = Report(evaluation=evaluation, counts=counts, epochs=evaluation.epochs, examples=examples)
    replace(report, **shown).write(directory)  # type: ignore[arg-type]
    return (directory / REPORT).read_text(encoding="utf-8")


class Checker(HTMLParser):
    """Every tag is closed in its order; notes what the page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_bundle_holds_one_page_with_every_method_and_its_plots_beside_it(bundle: Bundle, users: KnownUsers) -> None:
    page = (bundle.directory / REPORT).read_text(encoding="utf-8")
    for name, metrics in bundle.manifest.offline_metrics.items():
        row = page.split(f'<th scope="row">{escape(name)}</th>')[1].split("</tr>")[0]
        assert f">{fraction(metrics['ndcg_at_10'])}<small>" in row
    beside = {path.name: path.stat().st_size for path in (bundle.directory / REPORT).parent.iterdir()}
    assert set(beside) == {"report.html", TRAINING, HISTORY_LENGTH, POST_AGE, POST_MEETINGS}
    assert sum(beside.values()) < 1_000_000
    longest = users.usernames[int(np.diff(users.offsets).argmax())]
    assert f"<bdi>{escape(longest)}</bdi>" in page


def test_the_page_is_well_formed_runs_nothing_and_fetches_nothing(bundle: Bundle) -> None:
    checker = Checker()
    checker.feed((bundle.directory / REPORT).read_text(encoding="utf-8"))
    assert checker.open == []
    assert not checker.tags & {"script", "link", "iframe", "object", "form"}
    assert len(checker.sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in checker.sources)


def test_histories_are_of_different_lengths_newest_first_and_feeds_hold_nothing_met(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    titled = replace(dataset, posts=dataset.posts.assign(title=[f"number {post_id}" for post_id in dataset.post_ids]))
    examples = examples_of(titled, index, users)
    page = page_of(evaluation, examples, tmp_path)
    met = [person.met for person in examples.users]
    assert met[:-1] == sorted(set(met[:-1]))
    assert met[-1] == 0
    servable = set(index.post_ids.tolist())
    for person in examples.users:
        row = users.usernames.index(person.username)
        assert person.user_id == users.user_ids[row]
        events = users.post_ids[users.offsets[row] : users.offsets[row + 1]].tolist()
        expected = [
            f"number {post_id}" if post_id in servable else f"post {post_id}, not public"
            for post_id in reversed(events[-SHOWN_HISTORY:])
        ]
        assert [line.post.text for line in person.history] == expected
        assert not {line.post.text for line in person.feed} & {f"number {post_id}" for post_id in events}
        assert len(person.feed) == 10
        part = page.split(f"<h3><bdi>{escape(person.username)}</bdi>")[1].split("</article>")[0]
        places = [part.index(f">{line.post.text}<") for line in (*person.history, *person.feed)]
        assert places == sorted(places)


def test_a_post_without_a_title_is_shown_by_its_topics_or_its_description(
    dataset: Dataset, index: IndexPosts, users: KnownUsers
) -> None:
    posts = dataset.posts.assign(title=" ", keywords="harbor; rain\x00; ; tea")
    lines = examples_of(replace(dataset, posts=posts), index, users).users[-1].feed
    assert {(line.post.text, line.post.has_title) for line in lines} == {("harbor, rain, tea", False)}
    posts = posts.assign(keywords="", description="word " * 100)
    lines = examples_of(replace(dataset, posts=posts), index, users).users[-1].feed
    assert {line.post.text for line in lines} == {("word " * 17).strip() + "…"}


def test_what_comes_from_data_is_escaped(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    attack = "<script>alert(1)</script>"
    posts = dataset.posts.assign(title=attack, mood_text=attack, category_name=attack)
    named = replace(users, usernames=(attack,) * len(users.usernames))
    page = page_of(evaluation, examples_of(replace(dataset, posts=posts), index, named), tmp_path)
    assert page.count(escape(attack)) > 100
    assert "<script" not in page
    assert "<b>wild" not in page


def test_of_a_person_only_id_and_username_appear_and_nothing_of_posts_that_are_not_public(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    others = [name for name in dataset.users.columns if name not in {"user_id", "username", "answers"}]
    private = dataset.posts.assign(title="SECRET", keywords="SECRET", description="SECRET", is_servable=False)
    marked = replace(
        dataset,
        users=dataset.users.assign(**dict.fromkeys(others, "SECRET")),
        posts=private.assign(owner_username="SECRET", video_link="SECRET", thumbnail_url="SECRET"),
    )
    assert "SECRET" not in page_of(evaluation, examples_of(marked, index, users), tmp_path)


def test_the_same_report_has_the_same_bytes_whatever_the_settings_of_matplotlib(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    page_of(evaluation, examples_of(dataset, index, users), tmp_path / "first" / "id")
    with mpl.rc_context({"font.size": 20, "savefig.facecolor": "red"}):
        page_of(evaluation, examples_of(dataset, index, users), tmp_path / "second" / "id")
        assert mpl.rcParams["font.size"] == 20
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "id" / "report").iterdir()}
        for name in ("first", "second")
    )
    assert first == second
    assert len(first) == 5


def test_plots_are_pngs_of_a_readable_size_and_follow_the_evaluation(evaluation: Evaluation) -> None:
    plots = draw_plots(evaluation)
    for png in plots.values():
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        assert 1000 < width < 2000
        assert 400 < height < 1000
        assert 5_000 < len(png) < 200_000
    groups = evaluation.ndcg_by_history_length
    other = replace(groups[0], means=groups[0].means | {MODEL_NAME: 0.9})
    changed = draw_plots(replace(evaluation, ndcg_by_history_length=(other, *groups[1:])))
    assert {name for name in plots if plots[name] != changed[name]} == {HISTORY_LENGTH}
    shorter = draw_plots(replace(evaluation, epochs=evaluation.epochs[:1]))
    assert {name for name in plots if plots[name] != shorter[name]} == {TRAINING}


def test_data_without_a_clock_has_no_plot_by_age_and_no_days(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    timeless = replace(evaluation, recall_by_post_age=())
    examples = replace(examples_of(dataset, index, users), has_clock=False)
    page = page_of(timeless, examples, tmp_path)
    assert not (tmp_path / "report" / POST_AGE).exists()
    assert (tmp_path / "report" / POST_MEETINGS).exists()
    assert "because this data has no clock" in page
    assert " d ago" not in page


def test_the_page_says_how_the_model_stands_in_each_group(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    page = page_of(evaluation, examples_of(dataset, index, users), tmp_path)
    for group in evaluation.people:
        assert f"{group.label} ({group.cases:,}): two-tower" in page
        assert f'<th scope="col">NDCG@10<br>{group.label}</th>' in page


def test_the_page_says_of_both_trainings_why_their_epoch_is_kept(bundle: Bundle) -> None:
    page = " ".join((bundle.directory / REPORT).read_text(encoding="utf-8").split())
    assert page.count("The towers of the last epoch, 3, are kept because it is the last") == 2  # of both trainings


def test_the_page_names_its_bundle_and_the_time_and_the_manifest_does_not_list_it(bundle: Bundle) -> None:
    page = (bundle.directory / REPORT).read_text(encoding="utf-8")
    assert f"<code>{bundle.bundle_id}</code>" in page
    assert "2026-01-01T00:00:00+00:00" in page
    assert not [name for name in bundle.manifest.files if name.startswith("report")]


def test_months_have_a_plot_where_there_is_more_than_one(evaluation: Evaluation) -> None:
    assert MONTHS not in draw_plots(evaluation)
    (month,) = evaluation.months
    older = Month("2025-01-01", 7, 3, 70, 7, month.ndcg_at_10)
    assert MONTHS in draw_plots(replace(evaluation, months=(month, older)))


def test_live_against_frozen_is_shown_where_it_was_measured(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    examples = examples_of(dataset, index, users)
    without = page_of(evaluation, examples, tmp_path / "without")
    assert "Not measured. <code>moodfeed evaluate --live</code>" in without
    path = tmp_path / "live_evaluation.json"
    path.write_text(live_document("mine"), encoding="utf-8")
    live = LiveEvaluation.read_of(path, fingerprint="mine")
    page = " ".join(page_of(evaluation, examples, tmp_path / "with", live=live).split())
    assert "the live model is behind the best live baseline, category x trend: -.050 (-.070 to -.030)" in page
    assert "the live model is level with the best live baseline" in page
    assert (tmp_path / "with" / "report" / LIVE).exists()
    assert not (tmp_path / "without" / "report" / LIVE).exists()


def test_moods_and_the_findings_of_validation_are_shown(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    examples = examples_of(dataset, index, users)
    page = page_of(evaluation, examples, tmp_path)
    assert "the clean tables were not validated" in page
    assert "no emotion word is named by ten posts or more" in page
    finding = Finding(Level.WARNING, "post", "has no <title>", 3, 1200, "post 7")
    report = ValidationReport({"post": 1200}, (), (), (finding,))
    page = page_of(
        evaluation, examples, tmp_path, moods=MoodQuality(words=30, found=0.62, by_chance=0.04), validation=report
    )
    assert "warning: post: <bdi>has no &lt;title&gt;</bdi> (3 of 1,200), for example <bdi>post 7</bdi>" in page
    assert "62 % name that word themselves; of ten random posts 4 % (mean of the 30 words" in page


def test_an_earlier_report_is_replaced(
    dataset: Dataset, index: IndexPosts, users: KnownUsers, evaluation: Evaluation, tmp_path: Path
) -> None:
    examples = examples_of(dataset, index, users)
    page_of(evaluation, examples, tmp_path, created_at="yesterday")
    assert "today" in page_of(evaluation, examples, tmp_path, created_at="today")
