"""Titles and summaries such as a language model might write about a video, including its oddities."""

from itertools import pairwise
from random import Random

from sample_api.latent import MOOD_WORDS, TOPIC_WORDS
from sample_api.rows import JsonValue

_DESCRIPTION_LENGTH = 2500
_TIMED_OUT = "Error generating description: Request timed out."
_SCENES = (
    "The video opens on {thing}, framed closely, before the camera moves towards {other}.",
    "A sense of **{feeling}** settles in while {thing} fills the picture.",
    "In the middle part, {thing} and {other} share the frame, and the pacing leaves room for {feeling}.",
    "The narrator speaks slowly; the words carry {feeling} and a hint of {second}.",
    "- Detail: {thing}, lit from the side, in muted colours.",
    "- Sound: the noise of {other} under the voice, close to {second}.",
    "Viewers familiar with {topic} will recognise {thing} at once.",
    "## Atmosphere\nEverything points to {feeling}; even {other} seems to belong to it.",
    "The editing alternates between {thing} and {other}, which deepens the {feeling}.",
    "Towards the end, {second} gives way to {feeling}, and {thing} is seen one last time.",
)
_EMOTION_KEYS = ("mood", "emotions", "overall_emotion", "primary", "feelings", "emotional_tone", "atmosphere", "main")
_BLOCK_KEYS = ("items", "elements", "list", "main", "details", "notable", "others", "observed")
_AUDIENCES = ("young adults", "hobbyists", "creators", "students", "families", "fans of the genre")
_QUALITY = ("sharp picture", "steady camera", "clear voice", "natural light", "grainy picture", "wind noise")
_GENRES = ("Documentary", "Vlog", "Tutorial / How-to", "Short film", "Lifestyle/Vlog", "Music video", "Review")
_TITLES = (
    "test",
    "IMG_{number}.MOV",
    "{thing} ✨",
    "{topic} #{tag} #fyp",
    "{thing}\nand {other}",
    "my {thing}",
    "{topic}",
)


def make_title(random: Random, topic: str) -> str:
    """Empty in 49 % of posts; otherwise a file name, a word or two, hashtags, or a duplicate."""
    if random.random() < 0.49:
        return ""
    thing, other = random.sample(TOPIC_WORDS[topic], 2)
    template = random.choice(_TITLES)
    return template.format(
        number=random.randint(1000, 9998), thing=thing, other=other, topic=topic, tag=topic.replace(" ", "")
    )[:254]


def make_summary(random: Random, topic: str, mood: str) -> JsonValue:
    """A post_summary; for one post in a hundred the empty list that means none."""
    if random.random() < 0.01:
        return []
    feelings = random.sample(MOOD_WORDS[mood], 4)
    strangers = MOOD_WORDS[random.choice([*MOOD_WORDS])]
    if random.random() < 0.5:
        feelings[-1] = strangers[0]  # an emotion of another mood
    things = random.sample(TOPIC_WORDS[topic], len(TOPIC_WORDS[topic]))
    return {
        "description": _description(random, topic, feelings, things),
        "keywords": _keywords(random, [*things, topic, *feelings[:2]]),
        "genre": random.choice(_GENRES),
        "emotions": _block(random, feelings[: random.randint(2, 4)], _EMOTION_KEYS, flags=True),
        "actions": _block(random, [f"showing {thing}" for thing in things[:3]], _BLOCK_KEYS),
        "audio_elements": _block(random, ["voice-over", f"sound of {things[3]}"], _BLOCK_KEYS),
        "visual_elements_of_video": _block(random, things[2:6], _BLOCK_KEYS),
        "topics_of_video": _block(random, [topic, *things[:2]], _BLOCK_KEYS),
        "entities": _block(random, things[4:7], _BLOCK_KEYS),
        "targeted_audiance": _block(random, random.choices(_AUDIENCES, k=2), _BLOCK_KEYS),
        "quality_indicators": _block(random, random.choices(_QUALITY, k=2), _BLOCK_KEYS),
        "psycological_view_of_video": _block(random, [f"evokes {feelings[0]}", f"a touch of {feelings[1]}"], ("view",)),
        "main_person_details": {"appearance": "one person, seen from behind", "name": "unknown"},
        "other_person_details": [],
        "estimated_duration": random.choice(["short", "0:15", "unknown", "about a minute"]),
        "is_face_exist": random.random() < 0.6,
        "no_of_person_in_video": random.randint(0, 3),
    }


def _description(random: Random, topic: str, feelings: list[str], things: list[str]) -> str:
    if random.random() < 0.03:
        return _TIMED_OUT
    text = f"# {topic.capitalize()}\n\n"
    while len(text) < _DESCRIPTION_LENGTH:
        thing, other = random.sample(things, 2)
        feeling, second = random.sample(feelings, 2)
        scene = random.choice(_SCENES)
        text += scene.format(thing=thing, other=other, feeling=feeling, second=second, topic=topic) + "\n"
    return text[: _DESCRIPTION_LENGTH - random.randint(0, 119)]


def _keywords(random: Random, words: list[str]) -> list[JsonValue]:
    if random.random() < 0.02:
        return []
    chosen = [*words, *(f"{first} {second}" for first, second in pairwise(words))][:21]
    return [{"keyword": word, "weight": max(1, 10 - position // 2)} for position, word in enumerate(chosen)]


def _block(random: Random, words: list[str], keys: tuple[str, ...], *, flags: bool = False) -> JsonValue:
    """An object in 53 % of cases, a list in 46 %, otherwise null; an object's values are lists, texts or flags."""
    shape = random.random()
    if shape < 0.01:
        return None
    if shape < 0.47:
        return list(words)
    kind = random.random()
    if flags and kind < 0.3:
        return dict.fromkeys(words, True) | {"tone": words[0]}
    if kind < 0.7:
        return {random.choice(keys): list(words)}
    return {f"{random.choice(keys)}_{number}": word for number, word in enumerate(words, start=1)}
