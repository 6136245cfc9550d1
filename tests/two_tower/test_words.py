from two_tower.words import WORDS_PER_TEXT, Vocabulary

TEXTS = [
    *("the long river and the boat" for _ in range(3)),
    "the boat race",
    "the river race, #boatrace",
    *(f"the number {number}" for number in range(40)),
]


def test_it_learns_what_several_texts_say_and_neither_what_all_nor_what_one_says() -> None:
    words = Vocabulary.learn(TEXTS).words
    assert {"river", "boat", "long river"} <= set(words)
    assert "the" not in words
    assert "boatrace" not in words


def test_the_rarest_words_of_a_text_come_first_and_unknown_ones_are_none() -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    row = vocabulary.rows_of(["A BOAT race, never seen"])[0]
    found = [vocabulary.words[number - 1] for number in row if number]
    assert found == ["race", "boat"]
    assert (vocabulary.rows_of(["quite other"]) == 0).all()


def test_a_long_text_gives_its_rarest_words_only() -> None:
    texts = [" ".join(f"word{number}" for number in range(start, 30)) for start in range(29)]
    vocabulary = Vocabulary.learn([*texts, *(f"other {number}" for number in range(1000))])
    row = vocabulary.rows_of([texts[0]])[0]
    assert len(row) == WORDS_PER_TEXT
    assert row.tolist() == sorted(row.tolist())
    assert row.min() > 0
    assert row.max() < len(vocabulary)


def test_the_same_words_in_the_same_order_give_the_same_rows() -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    assert Vocabulary(vocabulary.words).rows_of(TEXTS).tolist() == vocabulary.rows_of(TEXTS).tolist()
