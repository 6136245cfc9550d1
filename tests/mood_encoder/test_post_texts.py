"""A post that its author describes has the texts that the pipeline makes of the same post of an upstream."""

from hypothesis import given
from hypothesis import strategies as st

from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.post_texts import texts_of
from pipeline.clean import _summary_text
from pipeline.summary_text import read_summary

TEXTS = st.text(alphabet="aB_/*- .\n1[](x)😂", max_size=12)


@given(title=TEXTS, description=TEXTS, emotions=st.lists(TEXTS, max_size=4))
def test_the_texts_are_those_of_the_pipeline(title: str, description: str, emotions: list[str]) -> None:
    ours = texts_of(title=title, description=description, emotions=emotions)
    summary = read_summary({"description": description, "emotions": list(emotions)})
    theirs = _summary_text(title, summary)
    assert (ours.summary, ours.mood, ours.description) == (theirs, summary.mood, summary.description)
    assert post_to_mood_sentence(ours.mood, ours.summary) == post_to_mood_sentence(summary.mood, theirs)


def test_a_description_that_could_not_be_made_is_none() -> None:
    assert texts_of(title=" a ", description="Error generating description: timed out").summary == "a"
