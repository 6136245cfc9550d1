"""Turns a mood as a user types it into words that BERT understands: emoji into words, negations into opposites.

BERT's vocabulary holds no emoji, so all emoji would be the same unknown token. And its embedding of "not sad" is near
that of "sad", because the words are nearly the same. ``scripts/measure_emoji.py`` measures both.
"""

import itertools
import re
import unicodedata
from functools import cache

import emoji

# What people mean by an emoji, where its Unicode name ("smiling face with sunglasses") does not say it. An emoji that
# is not listed stands for its name. Variation selectors, skin tones and genders are left out: they change no mood.
# Each has one mood word: with two words BERT understood fewer (scripts/measure_emoji.py).
_EMOJI_OF_MOOD = {
    "happy": "😀 😃 😄 😁 🙂 😊 ☺ 😺 😸",
    "laughing": "😂 🤣 😆 😹",
    "nervous": "😅 😬",
    "touched": "🥹",
    "innocent": "😇 👼",
    "silly": "🙃 😛 😝 😜 🤪",
    "playful": "😉",
    "calm": "😌 🧘 🌊 🐬 🐳 🐋 🐟 🐠",
    "love": "😍 🥰 😻 😘 😗 😙 😚 😽 💋 ❤ 🧡 💛 💚 💙 💜 🤎 🤍 🩷 🩵 🩶 ♥ 🫶 🤟 💕 💞 💓 💗 💖 💘 💝 💟 💌 💑 💏 🌹",
    "delicious": "😋 🤤",
    "doubtful": "🤨",
    "curious": "🧐 👀",
    "nerdy": "🤓",
    "cool": "😎",
    "thrilled": "🤩",
    "party": "🥳",
    "smug": "😏 😼",
    "mischievous": "😈",
    "annoyed": "😒 🙄",
    "unimpressed": "😑",
    "sad": "😞 😔 🙁 ☹ 😥 🙍 😢 😭 😿",
    "worried": "😟 😦 😧",
    "confused": "😕 🫤 ❓ ❔",
    "frustrated": "😣 😖 😤 🙎",
    "exhausted": "😫 😩 🫩",
    "pleading": "🥺",
    "bittersweet": "🥲",
    "angry": "😠 😡 🤬 😾 💢 👿 🖕",
    "embarrassed": "😳 🤦",
    "hot": "🥵",
    "cold": "🥶",
    "terrified": "😱",
    "afraid": "😨 🫣",
    "anxious": "😰 😓",
    "hug": "🤗",
    "thinking": "🤔",
    "giggling": "🤭",
    "quiet": "🤫 🤐",
    "lying": "🤥",
    "speechless": "😶",
    "indifferent": "😐",
    "surprised": "😯 😮 😲 🫢 🙀 ❗ ❕ ‼ ⁉",
    "bored": "🥱",
    "sleepy": "😴 😪 💤 🛌",
    "dizzy": "😵 🥴 😵‍💫",
    "relieved": "😮‍💨",
    "absent-minded": "😶‍🌫",
    "disgusted": "🤢 🤮",
    "sick": "🤧 😷 🤒 🤕 🦠",
    "rich": "🤑 💰 💵 💸",
    "adventurous": "🤠",
    "scary": "👹 👺 🧟 🧛",
    "spooky": "👻 🎃",
    "foolish": "🤡",
    "disgusting": "💩",
    "death": "💀 ☠",
    "science fiction": "👽 👾 🛸",
    "futuristic": "🤖",
    "melting": "🫠",
    "respect": "🫡",
    "lonely": "🫥",
    "shaken": "🫨",
    "shy": "🙈",
    "secret": "🙉 🙊",
    "dark": "🖤",
    "heartbroken": "💔 🥀",
    "healing": "❤‍🩹",
    "passionate": "❤‍🔥",
    "good": "👍 👌 🙆",
    "disapproving": "👎",
    "peaceful": "✌ 🕊 ☮ 🌱 🌿 ☘ 🍃 🌳 🌲",
    "hopeful": "🤞 🍀 🌅 🌄",
    "relaxed": "🤙 🛀 💆 🧖 🏖 🏝 ⛱ 🌴 🍷 🍸 🍹 🍺 🥃",
    "rock music": "🤘 🎸",
    "friendly": "👋",
    "admiring": "👏",
    "joyful": "🙌 🌈 🏳‍🌈",
    "trust": "🤝",
    "grateful": "🙏 🤲",
    "strong": "💪 ✊ 👊",
    "comforting": "🫂",
    "unsure": "🤷",
    "refusing": "🙅 ✋ ❌ 🚫 ⛔",
    "eager": "🙋",
    "sorry": "🙇",
    "confident": "💅",
    "celebration": "🎉 🎊 🎈 🥂 🍾 🍻 🪅 🎆 🎇",
    "birthday": "🎂",
    "surprise": "🎁",
    "dancing": "💃 🕺 👯 🪩",
    "music": "🎶 🎵 🎼 🎧 🎹 🎻 🎷 🎺",
    "singing": "🎤",
    "playing games": "🎮 🕹 🎲",
    "thrilling": "🎢 🎡 🎠 🎪",
    "movie": "🎬 🎥 🍿",
    "dramatic": "🎭",
    "creative": "🎨 🖌",
    "learning": "📚 📖",
    "proud": "🎓 🏆 🥇 🏅 👑",
    "focused": "🎯",
    "energetic": "⚽ 🏀 🏈 ⚾ 🎾 🏐 🏋 🏃 🚴 🤸 ⛹ ⚡",
    "adventure": "🏄 🧗 🏕 ⛺ 🥾 🧭 🏔 🌍 🌎 🌏 🗺 ✈ 🛫 🧳 🚗 🚂",
    "magical": "✨ 🌟 ⭐ 💫 🪄 🦄 🧚 🧜 🧙",
    "exciting": "🔥",
    "perfect": "💯",
    "shocking": "💥",
    "mind blown": "🤯",
    "urgent": "⏰",
    "retro": "📼 📻 🕰 🎞 💾 📟 ☎ 📠 📽",
    "memories": "📸 📷 🖼 📹",
    "ambitious": "🚀",
    "inspired": "💡",
    "intelligent": "🧠",
    "waiting": "⏳ ⌛",
    "brave": "🦸",
    "successful": "✅ ✔ ☑ 📈",
    "precious": "💎",
    "festive": "🎄 🎅 🤶",
    "wedding": "👰 🤵 💒 💍",
    "tender": "👶 🍼 🤱",
    "family": "👪",
    "danger": "⚠ ☢ ☣ 🚨 🆘 💣",
    "violent": "🔪 🗡 ⚔ 🔫",
    "grief": "⚰ ⚱ 🪦",
    "loss": "📉",
    "cheerful": "☀ 🌞 🌤",
    "gloomy": "☁ ⛅ 🌥 🌧 🌦 ☔",
    "stormy": "⛈ 🌩",
    "chaotic": "🌪 🌀",
    "cozy": "❄ ☃ ⛄ 🌨 ☕ 🍵 🫖 🏠 🏡 🛋 🕯",
    "mysterious": "🌫",
    "dreamy": "🌙 🌛 🌜 🌚 🌝 🌃",
    "wonder": "🌌 🌠",
    "lovely": "🌸 🌺 🌻 🌼 🌷 💐 🪷 🪻 🦋",
    "nostalgic": "🍂 🍁",
    "cute": "🐶 🐕 🐩 🐱 🐈 🐰 🐇 🐹 🐭 🐻 🐼 🐨 🐣 🐤 🐥 🦊 🐷 🐑 🐿 🦔 🐧 🧸",
    "funny": "🐵 🐒",
    "fierce": "🦁 🐯 🐅 🐆 🐺 🦅 🐉 🐲 🦈 🐊 🦖",
    "creepy": "🕷 🕸 🦂 🐍 🦇 🐀 🪳 🪰 🦟 🪱",
    "country life": "🐮 🐄 🐴 🐔 🐓 🐐",
    "slow": "🐌 🐢 🦥",
    "hungry": "🍕 🍔 🍟 🌭 🌮 🌯 🍝 🍜 🍣 🥘",
    "sweet": "🍰 🍩 🍪 🍫 🍬 🍭 🍦 🍨 🧁",
}

# Everyday moods and what people ask for when they say that they want the opposite.
_OPPOSITES = {
    "afraid frightened scared scary fear": "safe, calm",
    "alone lonely loneliness": "friends, together",
    "angry mad furious anger": "calm, peaceful",
    "anxious nervous worried worry worries anxiety": "calm, confident",
    "bad": "good",
    "bored boring": "exciting, interesting",
    "calm relaxed relaxing peaceful": "energetic, wild",
    "dark gloomy": "bright, cheerful",
    "depressed depressing depression": "happy, hopeful",
    "drama dramatic": "calm, easygoing",
    "excited exciting": "calm, quiet",
    "funny": "serious",
    "good great": "bad",
    "happy cheerful joyful": "sad, unhappy",
    "loud noisy noise": "quiet",
    "romantic love": "without romance, independent",
    "sad sadness unhappy crying": "happy, cheerful",
    "serious": "funny, lighthearted",
    "stressed stressful stress": "calm, relaxed",
    "tired sleepy exhausted": "awake, energetic",
}

_NEGATION = re.compile(
    r"\b(?:not|no|never|nothing|without|anything but|\w+n['’]t|dont|isnt)"  # people type either apostrophe
    r"(?:\s+(?:a|all|an|any|anything|at|be|being|feel|feeling|longer|more|really|so|that|the|to|too|very|want))*"
    r"\s+",
    re.IGNORECASE,
)
_NEGATED_WORDS = re.compile(_NEGATION.pattern + r"(\w+(?:\s+n?or\s+\w+)*)", re.IGNORECASE)
_MOOD_OF_A_POST = "The mood of this video: {}"  # keeps bare words off the moods that are single words too
_JOINER = "\u200d"
# Variation selectors, skin tones, genders, and what is left of a flag's tags.
_NOT_A_MOOD = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d[♀♂]")
_END_OF_TAGS = "\U000e007f"
_PEOPLE = {"man", "men", "woman", "women", "person", "people", "boy", "girl"}
_TONE = re.compile(r"_(?:light|medium-light|medium|medium-dark|dark)_skin_tone")

# The signs that people typed before there were emoji. ")))" is as much ")" as one of them.
_EMOTICONS = {
    "happy": r"[:=]['’]?-?[)\]]+ | [(\[]+-?[:=] | \^[_.-]?\^",
    "laughing": r"[:=]-?D+ | [xX]D+",
    "playful": r";-?[)\]]+ | ;-?D+",
    "silly": r"[:=;]-?[pP]+ | [xX]P+",
    "sad": r"[:=]['’]?-?[(\[]+ | [)\]]+-?[:=] | T[_.]T | ;_+; | D+-?[:=]",
    "angry": r">[:=]-?[(\[]+",
    "love": r"<3+ | [:=]-?\*+",
    "heartbroken": r"</3+",
    "surprised": r"[:=]-?[oO0]+ | [oO0]_[oO0]",
    "confused": r"[:=]-?[/\\sS]",
    "indifferent": r"[:=]-?\|+",
    "annoyed": r"-_+-",
}
_EMOTICON = re.compile(
    r"(?<![^\s.,!?…])(?:" + "|".join(f"(?P<{word}>{signs})" for word, signs in _EMOTICONS.items()) + r")(?![^\s.,!?…])",
    re.VERBOSE,
)
_AT_THE_END_OF_A_WORD = re.compile(r"(?<=[^\W\d_])(?=[:;=]['’]?-?[()\]\[]+(?:$|[\s.,!?…]))")
_STRETCHED = re.compile(r"\b[A-Za-z]*([A-Za-z])\1\1[A-Za-z]*\b", re.IGNORECASE)
_SHORTEST_WORD, _MOST_RUNS = 3, 6


def mood_to_words(mood: str) -> str:
    """Put a mood into words: an emoji becomes what people mean by it, a negated everyday mood becomes its opposite.

    Other text is returned as it is, with its white space normalised. The meanings of adjacent emoji are separated by
    commas, each given once.
    """
    return _NEGATED_WORDS.sub(_say_opposite, plain_words(mood))


def plain_words(mood: str) -> str:
    """Put a mood into words as mood_to_words does, but leave negations as they are."""
    words, end = "", 0
    run: set[str] = set()  # the words of the adjacent emoji so far
    for found in emoji.emoji_list(mood):
        if not _NOT_A_MOOD.sub("", found["emoji"]):
            continue  # a skin tone by itself
        between = _plain_text(mood[end : found["match_start"]])
        end = found["match_end"]
        word = _word_of(found["emoji"])
        if between.strip() or not run:
            words += f"{between} {word}"
            run = {word}
        elif word not in run:
            words += f", {word}"
            run.add(word)
    words += f" {_plain_text(mood[end:])}"
    return " ".join(words.split())


def post_to_mood_sentence(mood_text: str, summary_text: str) -> str:
    """The sentence whose embedding moods are compared with: the post's emotions, or its summary if it names none.

    A post without either has an empty sentence. Its text embedding is zero, so that its closeness to every mood is 0.
    ``scripts/measure_mood.py`` measures the choice.
    """
    text = (mood_text or summary_text).strip()
    return _MOOD_OF_A_POST.format(text) if text else ""


def _plain_text(text: str) -> str:
    """Text without emoji, in plain letters: those of other alphabets of signs, emoticons and stretched words."""
    text = _NOT_A_MOOD.sub("", text).strip(_JOINER)
    text = "".join(map(_plain_letter, text))
    text = _EMOTICON.sub(lambda found: str(found.lastgroup), _AT_THE_END_OF_A_WORD.sub(" ", text))
    return _STRETCHED.sub(_as_usual, text)


@cache
def _plain_letter(character: str) -> str:
    """The letters or digits that a sign stands for, such as a bold or a circled one; every other character as it is."""
    plain = unicodedata.normalize("NFKC", character)
    is_sign = character > "\xff" and plain != character and plain.isascii() and plain.isalnum()
    return plain if is_sign else character


def _as_usual(stretched: re.Match[str]) -> str:
    """The word that a stretched one means: each run of letters once or twice, if a word known here comes out."""
    word = stretched[0]
    runs = ["".join(run) for _, run in itertools.groupby(word, key=str.lower)]
    if sum(len(run) > 1 for run in runs) > _MOST_RUNS:
        return word
    shorter = ({run[:2], run[0]} if len(run) > 2 else {run} for run in runs)
    for candidate in sorted(map("".join, itertools.product(*shorter)), key=lambda text: (-len(text), text)):
        if len(candidate) >= _SHORTEST_WORD and candidate.lower() in _known_words():
            return candidate
    return word


def _word_of(symbol: str) -> str:
    """The meaning of an emoji, or its Unicode name if it is not listed; skin tones and genders change neither."""
    known = _words_of_emoji()
    bare = symbol if _END_OF_TAGS in symbol else _NOT_A_MOOD.sub("", symbol)  # the tags of a flag say which it is
    facts = emoji.EMOJI_DATA.get(bare) or emoji.EMOJI_DATA[symbol]
    name = _TONE.sub("", facts["en"].strip(":"))
    alike = "_".join(part for part in name.split("_") if part not in _PEOPLE)
    for candidate in (bare, _symbol_of(name), _symbol_of(alike)):
        if candidate in known:
            return known[candidate]
    return name.removeprefix("keycap_").replace("_", " ")


def _symbol_of(name: str) -> str:
    """The emoji of a Unicode name without its variation selector; empty if there is none."""
    symbol = emoji.emojize(f":{name}:")
    return "" if symbol.startswith(":") else _NOT_A_MOOD.sub("", symbol)


def _say_opposite(negation: re.Match[str]) -> str:
    """The opposites of the negated words, or the unchanged negation if one of them has none."""
    negated = [word for word in re.findall(r"\w+", negation[1].lower()) if word not in {"or", "nor"}]
    if not all(word in _opposites() for word in negated):
        return negation[0]
    return ", ".join(dict.fromkeys(_opposites()[word] for word in negated))


@cache
def _words_of_emoji() -> dict[str, str]:
    return {symbol: word for word, symbols in _EMOJI_OF_MOOD.items() for symbol in symbols.split()}


@cache
def _opposites() -> dict[str, str]:
    return {word: opposite for words, opposite in _OPPOSITES.items() for word in words.split()}


@cache
def _known_words() -> frozenset[str]:
    """The words of the tables above and of the emoji's names."""
    names = (facts["en"].strip(":") for facts in emoji.EMOJI_DATA.values())
    sentences = (*_EMOJI_OF_MOOD, *_OPPOSITES, *_OPPOSITES.values(), *names)
    return frozenset(word for text in sentences for word in re.findall(r"[a-z]+", text.lower()))
