"""Write ratings of films as MovieLens publishes them, made up: for tests of data with long histories.

The set is an invention, and no figure on it is one of MovieLens. It has what such sets are known for: most films are
met by few people (Zipf), people have a few of some dozen tastes, a person rates in sessions that keep to a subject,
films have sequels, and ratings are noisy. A variant leaves out what other people's files often lack.
"""

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# fmt: off
_GENRES = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Horror",
    "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)
_SYLLABLES = (
    "ba", "cor", "da", "el", "fin", "gar", "hol", "is", "jun", "kel", "lo", "mar", "nor", "os", "pel", "qui", "ra",
    "sen", "tal", "ul", "vor", "wen", "xi", "yar", "zo",
)
# fmt: on
_TASTES = 40  # kinds of films
_ZIPF = 0.9  # popularity falls with the rank to this power
_MEDIAN_LENGTH, _LENGTH_SPREAD = 77.0, 0.95  # of a history: log-normal, as in MovieLens 1M
_SHORTEST, _LONGEST = 20, 600
_TASTE_WEIGHT = 1.1
_SUBJECT_WEIGHT = 0.9  # of what a session keeps to
_SEQUEL_LIFT = 3.0  # log of how much more likely the sequel of one of the last films is
_LAST_FILMS = 5
_SERIES = 0.25  # share of films that follow another one
_FILMS_A_SESSION = 25.0  # a mean
_START, _DAY = 946_684_800, 86_400  # of the year 2000, seconds
_DAYS = 720
_NOISE = 0.7  # of a rating


class Variant(StrEnum):
    """What the files hold."""

    FULL = "full"  # ratings.csv and movies.csv
    NO_CLOCK = "no-clock"  # a position in place of the timestamp
    NO_ORDER = "no-order"  # neither; the rows are sorted by film
    NO_TEXTS = "no-texts"  # ratings.csv alone
    NO_CATEGORIES = "no-categories"  # titles without genres
    IMPLICIT = "implicit"  # no ratings: who watched what, and when


@dataclass(frozen=True, slots=True)
class Films:
    """``popularity`` float64 [films], ``kinds`` float64 [films, tastes] of unit length, ``sequels`` int64 [films].

    ``sequels`` is the film that follows each, or the film itself.
    """

    titles: list[str]
    genres: list[str]
    popularity: NDArray[np.float64]
    kinds: NDArray[np.float64]
    sequels: NDArray[np.int64]
    quality: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rating:
    """One row of ratings.csv; ``place`` counts the person's films from 0."""

    user: int
    film: int
    stars: int
    seconds: int
    place: int


def make_films(count: int, random: np.random.Generator) -> Films:
    """Invent films: each is of one kind above all, and each kind has one to three genres."""
    of_kind = random.integers(0, _TASTES, count)
    genres_of = [random.choice(_GENRES, random.integers(1, 4), replace=False) for _ in range(_TASTES)]
    names_of = [_words(12, random) for _ in range(_TASTES)]
    titles = [" ".join(random.choice(names_of[kind], random.integers(1, 4))).title() for kind in of_kind]
    sequels = np.arange(count)
    for film in np.flatnonzero(random.random(count) < _SERIES).tolist():
        siblings = np.flatnonzero((of_kind == of_kind[film]) & (sequels == np.arange(count)))
        if len(siblings) > 1:
            sequels[film] = random.choice(siblings[siblings != film])
            titles[sequels[film]] = f"{titles[film]} II"
    kinds = np.eye(_TASTES)[of_kind] * 1.2 + random.gamma(0.3, 0.6, (count, _TASTES))
    popularity = np.power(1.0 + random.permutation(count), -_ZIPF, dtype=np.float64)
    return Films(
        titles=[f"{title} ({random.integers(1950, 2001)})" for title in titles],
        genres=["|".join(genres_of[kind]) for kind in of_kind],
        popularity=popularity,
        kinds=kinds / np.linalg.norm(kinds, axis=1, keepdims=True),
        sequels=sequels,
        quality=random.normal(0, 0.4, count) + 0.1 * np.log(popularity / popularity.mean()),
    )


def ratings_of(person: int, films: Films, random: np.random.Generator) -> Iterable[Rating]:
    """One person's films, oldest first: sessions that keep to a subject, of a taste that stays."""
    count = len(films.popularity)
    length = int(
        np.clip(_MEDIAN_LENGTH * np.exp(_LENGTH_SPREAD * random.normal()), _SHORTEST, min(_LONGEST, count // 2))
    )
    shares = random.dirichlet(np.full(_TASTES, 0.12))
    taste = films.kinds @ np.sqrt(shares)
    liking = (taste - taste.mean()) / taste.std()
    wish = np.log(films.popularity) + _TASTE_WEIGHT * liking
    seconds = _START + int(random.integers(0, _DAYS * _DAY))
    left = 0
    last: list[int] = []
    subject = np.zeros(count)
    for place in range(length):
        if not left:
            left = 1 + int(random.geometric(1 / _FILMS_A_SESSION))
            kind = films.kinds @ np.eye(_TASTES)[random.choice(_TASTES, p=shares)]
            subject = (kind - kind.mean()) / kind.std()
            seconds += int(random.exponential(6 * _DAY)) if place else 0
        lift = np.zeros(count)
        lift[films.sequels[last[-_LAST_FILMS:]]] = _SEQUEL_LIFT
        numbers = wish + _SUBJECT_WEIGHT * subject + lift + random.gumbel(size=count)
        numbers[last] = -np.inf
        film = int(numbers.argmax())
        stars = 3.5 + 0.6 * liking[film] + films.quality[film] + _NOISE * random.normal()
        yield Rating(person, film + 1, int(np.clip(round(stars), 1, 5)), min(seconds, _START + _DAYS * _DAY), place)
        last.append(film)
        left, seconds = left - 1, seconds + int(random.integers(5, 90))


def write_ratings(directory: Path, variant: Variant, *, people: int, films: int, seed: int) -> int:
    """Write the files of a variant and return the number of ratings; a seed gives the same people in every variant."""
    random = np.random.default_rng(seed)
    catalogue = make_films(films, random)
    rows = [row for person in range(1, people + 1) for row in ratings_of(person, catalogue, random)]
    directory.mkdir(parents=True, exist_ok=True)
    match variant:
        case Variant.NO_CLOCK:
            positions = [(row.user, row.film, row.stars, row.place) for row in rows]
            _write(directory / "interactions.csv", ("userId", "movieId", "rating", "position"), positions)
        case Variant.NO_ORDER:
            pairs = sorted((row.user, row.film, row.stars) for row in rows)
            _write(directory / "interactions.csv", ("userId", "movieId", "rating"), pairs)
        case Variant.IMPLICIT:
            views = [(row.user, row.film, row.seconds) for row in rows]
            _write(directory / "interactions.csv", ("user_id", "item_id", "timestamp"), views)
        case _:
            rated = [(row.user, row.film, row.stars, row.seconds) for row in rows]
            _write(directory / "ratings.csv", ("userId", "movieId", "rating", "timestamp"), rated)
    numbered = list(enumerate(zip(catalogue.titles, catalogue.genres, strict=True), start=1))
    match variant:
        case Variant.FULL:
            movies = [(number, title, genres) for number, (title, genres) in numbered]
            _write(directory / "movies.csv", ("movieId", "title", "genres"), movies)
        case Variant.NO_CATEGORIES:
            movies = [(number, title, "(no genres listed)") for number, (title, _) in numbered]
            _write(directory / "movies.csv", ("movieId", "title", "genres"), movies)
        case Variant.NO_CLOCK | Variant.NO_ORDER:
            posts = [(number, title, genres.split("|")[0]) for number, (title, genres) in numbered]
            _write(directory / "posts.csv", ("movieId", "title", "category"), posts)
        case _:
            pass  # no file of films
    return len(rows)


def _words(count: int, random: np.random.Generator) -> list[str]:
    return ["".join(random.choice(_SYLLABLES, random.integers(2, 4))) for _ in range(count)]


def _write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="where the files go")
    parser.add_argument("--variant", type=Variant, choices=list(Variant), default=Variant.FULL)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--films", type=int, default=1700)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    count = write_ratings(given.directory, given.variant, people=given.people, films=given.films, seed=given.seed)
    print(f"{count:,} ratings of {given.people:,} people are in {given.directory}")
