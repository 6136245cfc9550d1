"""The families of moods: where each lies by valence and arousal, what its opposite is, and its word in English.

Valence and arousal follow the circumplex of Russell (1980); the numbers, -1 to 1, are our own
judgement of each family.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """A family of moods; ``opposites`` are families that nobody who asks for this one means, the first the clearest.

    ``instead`` is what is meant by those who say that they do not want it, empty where that leaves everything else.
    ``word`` is a plain English word for it, which the encoder embeds where a mood was typed in another language.
    """

    word: str
    valence: float
    arousal: float
    opposites: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


FAMILIES: dict[str, Family] = {
    "joy": Family("happy", 0.9, 0.3, ("sadness", "loneliness"), instead=("sadness",)),
    "sadness": Family("sad", -0.8, -0.3, ("joy", "amusement"), instead=("joy",)),
    "calm": Family("calm", 0.6, -0.8, ("stress", "fear", "anger", "excitement"), instead=("excitement",)),
    "excitement": Family("excited", 0.7, 0.9, ("boredom", "calm", "tiredness"), instead=("calm",)),
    "anger": Family("angry", -0.8, 0.7, ("calm", "tenderness"), instead=("calm",)),
    "fear": Family("scary", -0.8, 0.7, ("calm", "trust"), instead=("calm",)),
    "stress": Family("stressed", -0.7, 0.5, ("calm",), instead=("calm",)),
    "loneliness": Family("lonely", -0.7, -0.4, ("togetherness", "joy", "romance"), instead=("togetherness", "joy")),
    "boredom": Family("bored", -0.4, -0.7, ("excitement", "motivation", "curiosity"), instead=("excitement",)),
    "romance": Family("romantic", 0.8, 0.3, ("loneliness", "disgust")),
    "tenderness": Family("tender", 0.8, -0.1, ("anger", "disgust")),
    "amusement": Family("funny", 0.8, 0.5, ("sadness", "thought", "fear"), instead=("thought",)),
    "motivation": Family("motivated", 0.6, 0.5, ("boredom", "tiredness", "sadness"), instead=("calm",)),
    "nostalgia": Family("nostalgic", 0.2, -0.4),
    "pride": Family("proud", 0.7, 0.4, ("shame", "fear"), instead=("shame",)),
    "gratitude": Family("grateful", 0.8, 0.0, ("anger", "envy")),
    "hope": Family("hopeful", 0.7, 0.2, ("sadness", "fear"), instead=("sadness",)),
    "curiosity": Family("curious", 0.4, 0.3, ("boredom",)),
    "surprise": Family("surprised", 0.1, 0.7),
    "awe": Family("amazed", 0.6, 0.4, ("boredom",)),
    "disgust": Family("disgusted", -0.7, 0.3, ("romance", "tenderness"), instead=("joy",)),
    "shame": Family("ashamed", -0.6, 0.1, ("pride",), instead=("pride",)),
    "confusion": Family("confused", -0.3, 0.2, instead=("calm",)),
    "tiredness": Family("tired", -0.3, -0.8, ("excitement", "motivation"), instead=("excitement",)),
    "mystery": Family("mysterious", -0.1, 0.3),
    "envy": Family("jealous", -0.6, 0.3, ("gratitude",), instead=("gratitude",)),
    "thought": Family("thoughtful", 0.1, -0.4, ("amusement",), instead=("amusement",)),
    "togetherness": Family("friendly", 0.8, 0.2, ("loneliness",), instead=("loneliness",)),
    "trust": Family("safe", 0.5, 0.0, ("fear", "stress"), instead=("fear",)),
}

KIN: tuple[tuple[str, str, float], ...] = (
    ("joy", "excitement", 0.2),
    ("joy", "amusement", 0.2),
    ("joy", "tenderness", 0.25),
    ("joy", "awe", 0.25),
    ("joy", "calm", 0.2),
    ("joy", "gratitude", 0.2),
    ("joy", "hope", 0.15),
    ("gratitude", "trust", 0.2),
    ("togetherness", "trust", 0.2),
    ("togetherness", "tenderness", 0.2),
    ("tenderness", "romance", 0.25),
    ("sadness", "loneliness", 0.2),
    ("sadness", "tiredness", 0.2),
    ("sadness", "shame", 0.15),
    ("stress", "fear", 0.2),
    ("anger", "envy", 0.2),
    ("anger", "disgust", 0.2),
    ("pride", "motivation", 0.25),
    ("hope", "motivation", 0.15),
    ("boredom", "tiredness", 0.15),
    ("mystery", "fear", 0.15),
    ("mystery", "curiosity", 0.2),
    ("surprise", "awe", 0.2),
    ("thought", "nostalgia", 0.1),
)
"""Families near each other, beyond what valence and arousal say, and how near."""
