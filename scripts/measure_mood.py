"""Measure moods on sample worlds, whose posts' true moods and users' true tastes are known: four tables.

    python scripts/measure_mood.py --seeds 7 11

Each world is generated, ingested, embedded and trained on with the pipeline's defaults; figures are means over the
worlds. Tables: which text of a post to compare a mood with; negations; other languages; how to combine mood and user.
``scripts/measure_emoji.py`` measures emoji alone.
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from cli.sample_workspace import ingest_sample_world
from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_reader import MoodReader, fitted_reader
from mood_encoder.mood_text import mood_to_words, post_to_mood_sentence
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.dataset import Dataset, read_dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace
from sample_api.world import MOOD_LABELS, generate_world

CUTOFF = 10
PEOPLE = 80  # drawn from users with at least three posts in their history
CATEGORIES = (None, 2, 4, 22)  # about 1,200, 430, 140 and 35 servable posts
PHRASES = {
    "happy": ("something to make me smile", "in a great mood today"),
    "sad": ("feeling blue", "I want a good cry"),
    "calm": ("help me unwind", "something soothing before bed"),
    "excited": ("pumped up and ready to go", "can't wait for the weekend"),
    "stressed": ("too much on my plate", "my deadlines are killing me"),
    "lonely": ("nobody to talk to", "missing my friends"),
    "bored": ("nothing to do", "killing time"),
    "romantic": ("date night", "I think I'm in love"),
    "funny": ("make me laugh", "need a good joke"),
    "motivated": ("push me to work harder", "I want to get things done"),
    "nostalgic": ("takes me back to the old days", "things from when I was a kid"),
    "scared": ("give me goosebumps in the dark", "something creepy"),
}
SYNONYMS = {
    "happy": ("upbeat", "jolly"),
    "sad": ("gloomy", "depressed"),
    "calm": ("relaxed", "chill"),
    "excited": ("hyped", "ecstatic"),
    "stressed": ("overwhelmed", "frazzled"),
    "lonely": ("alone", "friendless"),
    "bored": ("uninterested", "uneventful"),
    "romantic": ("lovestruck", "amorous"),
    "funny": ("hilarious", "witty"),
    "motivated": ("inspired", "hardworking"),
    "nostalgic": ("sentimental", "old-school"),
    "scared": ("spooky", "horrified"),
}
"""Words that occur in no text of the sample world; the script refuses to run if one does."""
EMOJI = {
    "happy": ("😊", "😄"),
    "sad": ("😢", "😞"),
    "calm": ("😌", "🧘"),
    "excited": ("🤩", "🥳"),
    "stressed": ("😫", "😰"),
    "bored": ("🥱", "😑"),
    "romantic": ("😍", "💕"),
    "funny": ("😂", "🤣"),
    "motivated": ("💪", "🏆"),
    "nostalgic": ("📼", "🕰️"),
    "scared": ("😱", "👻"),
}
"""Loneliness has no emoji of its own."""
NEGATIONS = {
    "happy": ("not sad", "no more crying"),
    "sad": ("not happy",),
    "calm": ("not stressed", "not angry"),
    "excited": ("not bored", "not calm"),
}
LANGUAGES = {
    "Spanish": "feliz triste tranquilo emocionado estresado solitario aburrido romántico gracioso motivado nostálgico "
    "asustado",
    "German": "glücklich traurig ruhig aufgeregt gestresst einsam gelangweilt romantisch lustig motiviert nostalgisch "
    "ängstlich",
    "French": "heureux triste calme excité stressé seul ennuyé romantique drôle motivé nostalgique effrayé",
    "Japanese": "嬉しい 悲しい 穏やか わくわく ストレス 寂しい 退屈 ロマンチック 面白い やる気 懐かしい 怖い",
}

Queries = Mapping[str, Sequence[str]]  # true mood -> typed texts
KINDS: Mapping[str, Queries] = {
    "label": {label: (label,) for label in MOOD_LABELS},
    "phrase": PHRASES,
    "synonym": SYNONYMS,
    "emoji": EMOJI,
}
Scores = NDArray[np.float64]
Closeness = Callable[[str], Scores]


@dataclass(frozen=True, slots=True)
class Measured:
    """One world, ingested and trained on, with its ground truth.

    ``moods`` [posts] are the true ones; ``people`` are rows of ``dataset.user_ids``, ``user_scores`` float32
    [people, posts] are the towers' scores, ``affinities`` float64 [people, posts] the true ones.
    """

    dataset: Dataset
    moods: NDArray[np.str_]
    people: NDArray[np.int64]
    user_scores: NDArray[np.float32]
    affinities: NDArray[np.float64]


def measure_world(seed: int) -> Measured:
    """Generate, ingest, embed and train."""
    world = generate_world(seed)
    with TemporaryDirectory() as directory:
        workspace = Workspace(Path(directory))
        ingest_sample_world(world, workspace)
        dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    towers = train(dataset, TrainingConfig())
    truth = world.truth
    moods = dict(zip(truth.post_ids, truth.moods, strict=True))
    rows_of_truth = {user_id: row for row, user_id in enumerate(truth.user_ids)}
    known = np.array([user_id in rows_of_truth for user_id in dataset.user_ids.tolist()])
    enough = np.flatnonzero(known & (np.diff(dataset.pairs.offsets) >= 3))
    people = np.sort(np.random.default_rng(seed).choice(enough, size=PEOPLE, replace=False))
    columns = np.searchsorted(truth.post_ids, dataset.post_ids)
    posts = encode_posts(towers, dataset)
    return Measured(
        dataset=dataset,
        moods=np.array([moods[post_id] for post_id in dataset.post_ids.tolist()]),
        people=people,
        user_scores=encode_users(towers, dataset, posts, people) @ posts.embeddings.T,
        affinities=truth.affinities(np.array([rows_of_truth[int(dataset.user_ids[row])] for row in people]))[
            :, columns
        ],
    )


def ndcg(scores: Scores, is_relevant: NDArray[np.bool_]) -> float:
    """NDCG@10 of one ranking, ties in the order of post ids."""
    gains = 1 / np.log2(np.arange(2, CUTOFF + 2))
    found = is_relevant[np.argsort(-scores, kind="stable")[:CUTOFF]]
    return float(found @ gains[: len(found)] / gains[: min(CUTOFF, int(is_relevant.sum()))].sum())


def mean_ndcg(closeness: Closeness, queries: Queries, moods: NDArray[np.str_]) -> float:
    """Mean NDCG@10 over all typed texts."""
    return float(
        np.mean([ndcg(closeness(typed), moods == mood) for mood, all_typed in queries.items() for typed in all_typed])
    )


def keyword_match(texts: Sequence[str], random: np.random.Generator) -> Closeness:
    """BM25 with its usual constants (k1 1.2, b .75); posts without any of the words in random order."""
    counts = [Counter(re.findall(r"[\w-]+", text.lower())) for text in texts]
    lengths = np.array([count.total() for count in counts])
    penalties = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())
    chance = 1e-6 * random.random(len(texts))

    def closeness(typed: str) -> Scores:
        scores = chance.copy()
        for word in re.findall(r"[\w-]+", typed.lower()):
            found = np.array([count[word] for count in counts])
            holders = np.count_nonzero(found)
            scores += np.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5)) * found * 2.2 / (found + penalties)
        return scores

    return closeness


def ways_to_compare(measured: Measured, encoder: TorchEncoder) -> dict[str, Closeness]:
    """Every measured way to compute how close a post is to a mood."""
    posts = measured.dataset.posts
    summaries, moods = posts["summary_text"].tolist(), posts["mood_text"].tolist()
    random = np.random.default_rng(0)
    has_words = np.array([bool(text) for text in summaries])[:, None]
    emotions = [
        ", ".join(word for word in text.split(", ") if not re.match("evokes |a touch of ", word)) for text in moods
    ]
    plain = encoder.encode([mood or summary for mood, summary in zip(moods, summaries, strict=True)])
    only = encoder.encode([mood or summary for mood, summary in zip(emotions, summaries, strict=True)])
    ours, whole = mood_sentences(measured, encoder), measured.dataset.text

    def by(vectors: NDArray[np.float32], words: Callable[[str], str]) -> Closeness:
        return lambda typed: np.asarray(vectors @ encoder.encode([words(typed)])[0], dtype=np.float64)

    return {
        "random": lambda _: random.random(len(summaries)),
        "keyword match (BM25, whole summary)": keyword_match(summaries, random),
        "raw BERT, whole summary": by(whole, str),
        "whole summary": by(whole, mood_to_words),
        "whole summary, wordless posts last": by(whole * has_words, mood_to_words),
        "mood text": by(plain, mood_to_words),
        "mood text, wordless posts last": by(plain * has_words, mood_to_words),
        "emotions without the view, wordless last": by(only * has_words, mood_to_words),
        "half mood sentence, half whole summary": by(ours + whole * has_words, mood_to_words),
        "mood sentence, wordless posts last": by(ours, mood_to_words),
        'ours, asked for "a video that is ..."': by(ours, lambda typed: f"a video that is {mood_to_words(typed)}"),
    }


def mood_sentences(measured: Measured, encoder: TorchEncoder) -> NDArray[np.float32]:
    """The embeddings of the posts' mood sentences, without the mood space: float32 [posts, dimension]."""
    posts = measured.dataset.posts
    sentences = [
        post_to_mood_sentence(mood, text) for mood, text in zip(posts["mood_text"], posts["summary_text"], strict=True)
    ]
    return encoder.encode(sentences) * np.array([bool(sentence) for sentence in sentences])[:, None]


def print_relevance(worlds: Sequence[Measured], encoder: TorchEncoder) -> None:
    """Mean NDCG@10 by kind of query."""
    print(f"NDCG@10 of moods over all posts{'':<14}" + "".join(f"{kind:>9}" for kind in KINDS) + "     mean")
    by_world = [ways_to_compare(measured, encoder) for measured in worlds]
    for name in by_world[0]:
        figures = [
            np.mean([mean_ndcg(ways[name], queries, world.moods) for ways, world in zip(by_world, worlds, strict=True)])
            for queries in KINDS.values()
        ]
        print(f"{name:<45}" + "".join(f"{figure:9.3f}" for figure in [*figures, np.mean(figures)]))


def print_negations_and_languages(worlds: Sequence[Measured], encoder: TorchEncoder) -> None:
    """NDCG@10 of the intended mood, with mood_to_words and as typed; 12 everyday moods in each language."""
    labels = encoder.encode(MOOD_LABELS)
    plain = [mood_sentences(world, encoder) for world in worlds]

    def both_ways(queries: Queries) -> list[float]:
        return [
            float(
                np.mean(
                    [
                        mean_ndcg(
                            lambda typed, vectors=vectors, words=words: vectors @ encoder.encode([words(typed)])[0],
                            queries,
                            world.moods,
                        )
                        for world, vectors in zip(worlds, plain, strict=True)
                    ]
                )
            )
            for words in (mood_to_words, str)
        ]

    print("\nNDCG@10 of what is meant     ours   as typed")
    for meant, all_typed in NEGATIONS.items():
        for typed in all_typed:
            ours, raw = both_ways({meant: (typed,)})
            print(f"{typed + ' = ' + meant:<26}{ours:7.3f}{raw:11.3f}")
    print("\nlanguage     NDCG@10   nearest English label is right")
    for language, words in LANGUAGES.items():
        typed_words = words.split()
        ours, _ = both_ways({mood: (typed,) for mood, typed in zip(MOOD_LABELS, typed_words, strict=True)})
        nearest = np.argmax(encoder.encode(typed_words) @ labels.T, axis=1)
        print(f"{language:<12}{ours:8.3f}{np.mean(nearest == np.arange(len(MOOD_LABELS))):12.2f}")


def combination_rules(closeness: Scores, user: Scores, user_weight: float) -> dict[str, Scores]:
    """The sort keys of a slice's posts by rule, for closeness [moods, posts] and user scores [posts]."""
    ranks = np.argsort(np.argsort(-closeness, axis=1, kind="stable"), axis=1)
    user_ranks = np.argsort(np.argsort(-user, kind="stable"))
    rules = {"user alone": np.broadcast_to(user, closeness.shape), "mood alone": closeness}
    for size in (20, 50, 100):
        rules[f"blocks of {size}"] = user - 10.0 * (ranks // size)
    size = max(CUTOFF, round(0.05 * closeness.shape[1]))
    rules["blocks of 5 %"] = user - 10.0 * (ranks // size)
    rules["reciprocal ranks (60)"] = 1 / (60 + ranks) + 1 / (60 + user_ranks)
    for share in (0.25, 0.5, 0.75, 1.0):
        rules[f"closeness + {share} spreads of user"] = closeness + share * user_weight * user
    return rules


def print_combinations(worlds: Sequence[Measured], encoder: TorchEncoder, *, taste: str) -> None:
    """Mood and user score of the first ten unseen posts, by rule and slice of the catalogue."""
    asked = [(mood, typed[0]) for queries in (KINDS["label"], SYNONYMS, EMOJI) for mood, typed in queries.items()]
    wanted = np.array([mood for mood, _ in asked])
    labels = len(MOOD_LABELS)  # the first queries are the labels, one for each mood
    print(f"\nusers as {taste}")
    for category in CATEGORIES:
        figures: dict[str, list[tuple[float, float, float, float]]] = {}
        sharing: dict[str, list[float]] = {}
        sizes = []
        for world in worlds:
            posts = world.dataset.posts
            in_slice = posts["is_servable"].to_numpy(dtype=bool)
            if category is not None:
                in_slice = in_slice & (posts["category_id"].fillna(0) == category).to_numpy(dtype=bool)
            rows = np.flatnonzero(in_slice)
            sizes.append(len(rows))
            all_scores = world.user_scores if taste == "the towers see them" else noisy(world.affinities)
            space = world.dataset.mood_space or fitted_reader(encoder).space
            meant = MoodReader(encoder, space).read([typed for _, typed in asked])
            vectors = np.stack([np.zeros(space.dimension) if each.vector is None else each.vector for each in meant])
            closeness = vectors @ world.dataset.mood_text[rows].T  # [asked, posts]
            user_weight = closeness.std(axis=1).mean() / all_scores[:, rows].std(axis=1).mean()
            pairs = world.dataset.pairs
            found: dict[str, list[list[set[int]]]] = {}
            for person, scores, affinities in zip(world.people, all_scores, world.affinities, strict=True):
                met = pairs.post_rows[pairs.offsets[person] : pairs.offsets[person + 1]]
                kept = np.flatnonzero(~np.isin(rows, met))
                moods, user, truth = world.moods[rows[kept]], scores[rows[kept]], affinities[rows[kept]]
                attainable = np.minimum(CUTOFF, (moods == wanted[:, None]).sum(axis=1))
                for name, order in combination_rules(closeness[:, kept], user, user_weight).items():
                    first = np.argsort(-order, axis=1, kind="stable")[:, :CUTOFF]
                    hits = (moods[first] == wanted[:, None]).sum(axis=1)
                    feeds = [set(kept[row].tolist()) for row in first[:labels]]
                    found.setdefault(name, []).append(feeds)
                    figures.setdefault(name, []).append(
                        (
                            float(np.mean(hits[attainable > 0] / attainable[attainable > 0])),
                            float((user[first].mean() - user.mean()) / user.std()),
                            float((truth[first].mean() - truth.mean()) / truth.std()),
                            float(np.mean([len(one & other) for one, other in combinations(feeds, 2)])) / CUTOFF,
                        )
                    )
            for name, feeds_of_people in found.items():
                sharing.setdefault(name, []).extend(
                    len(one & other) / CUTOFF
                    for left, right in pairwise(feeds_of_people)
                    for one, other in zip(left, right, strict=True)
                )
        where = "all categories" if category is None else f"category {category}"
        print(f"{where + f', {np.mean(sizes):.0f} posts':<32}  mood  score  taste  moods  people")
        for name, rows_of_figures in figures.items():
            mood, score, taste_found, between_moods = np.mean(rows_of_figures, axis=0)
            between_people = np.mean(sharing[name])
            print(f"  {name:<30}{mood:6.2f}{score:7.2f}{taste_found:7.2f}{between_moods:7.2f}{between_people:8.2f}")


def noisy(affinities: NDArray[np.float64]) -> NDArray[np.float64]:
    """True tastes with noise of the same spread, as towers with more knowledge of the users might score them."""
    noise = np.random.default_rng(0).normal(size=affinities.shape)
    return np.asarray(affinities + affinities.std(axis=1, keepdims=True) * noise)


def refuse_known_synonyms(worlds: Sequence[Measured]) -> None:
    """Exit if a synonym occurs in a text, because it would then measure word overlap."""
    for world in worlds:
        words = set(re.findall(r"[\w-]+", " ".join(world.dataset.posts["summary_text"]).lower()))
        known = words & {word for synonyms in SYNONYMS.values() for word in synonyms}
        if known:
            raise SystemExit(f"the sample world's texts hold the synonyms {sorted(known)}: choose others")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description="Measure moods on the sample world: texts, negations, languages, rules."
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[7], help="worlds (default: 7; two minutes each)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    encoder = TorchEncoder(default_encoder_directory())
    worlds = [measure_world(seed) for seed in arguments.seeds]
    refuse_known_synonyms(worlds)
    print_relevance(worlds, encoder)
    print_negations_and_languages(worlds, encoder)
    print(
        "\nThe first ten posts. mood: share of the true mood (of what is attainable). score, taste: user score and true"
    )
    print(
        "affinity, in standard deviations above the slice's mean. moods, people: share of posts that the feeds of two"
    )
    print("moods of one person, of two people with one mood, have in common.")
    print_combinations(worlds, encoder, taste="the towers see them")
    print_combinations(worlds, encoder, taste="their true tastes under noise (a tower that knew more of them)")


if __name__ == "__main__":
    main()
