"""A mood as a person types it, in words that BERT understands: emoji become words, negations become their opposites.

BERT's vocabulary holds no emoji, so that every emoji would be the same unknown token; and it places "not sad" beside
"sad", because the words are nearly the same. ``scripts/measure_emoji.py`` measures both.
"""

import re
from functools import cache

import emoji

# What people mean by an emoji, where its Unicode name ("smiling face with sunglasses") does not say it. The first word
# is the mood itself. An emoji that is not here speaks through its name. Written without variation selectors, skin
# tones and genders, which change no mood.
_EMOJI_OF_MOOD = {
    # Faces
    "happy, smiling": "😀 😃 😄 😁 🙂 😊 ☺ 😺 😸",
    "laughing, funny": "😂 🤣 😆 😹",
    "nervous, laughing with relief": "😅",
    "touched, grateful": "🥹",
    "innocent, kind": "😇 👼",
    "silly, ironic": "🙃",
    "playful, flirting": "😉",
    "calm, relieved": "😌",
    "love, adoring": "😍 🥰 😻",
    "love, kissing": "😘 😗 😙 😚 😽 💋",
    "delicious, tasty": "😋 🤤",
    "silly, playful": "😛 😝 😜 🤪",
    "doubtful, suspicious": "🤨",
    "curious, examining": "🧐",
    "nerdy, studious": "🤓",
    "cool, confident": "😎",
    "amazed, excited": "🤩",
    "party, celebrating": "🥳",
    "smug, mischievous": "😏 😼 😈",
    "annoyed, unimpressed": "😒 🙄 😑",
    "sad, disappointed": "😞 😔 🙁 ☹ 😥 🙍",
    "worried, sad": "😟 😦 😧",
    "confused, unsure": "😕 🫤",
    "frustrated, struggling": "😣 😖",
    "exhausted, fed up": "😫 😩 🫩",
    "pleading, vulnerable": "🥺",
    "sad, crying": "😢 😭 😿",
    "bittersweet, smiling through tears": "🥲",
    "frustrated, angry": "😤 🙎",
    "angry, furious": "😠 😡 🤬 😾 💢 👿",
    "embarrassed, shocked": "😳",
    "hot, overheated": "🥵",
    "cold, freezing": "🥶",
    "terrified, screaming in fear": "😱",
    "afraid, frightened": "😨 🫣",
    "anxious, stressed": "😰 😓",
    "hug, warm and friendly": "🤗",
    "thinking, wondering": "🤔",
    "giggling, amused": "🤭",
    "quiet, secret": "🤫 🤐",
    "lying, dishonest": "🤥",
    "speechless, silent": "😶",
    "indifferent, neutral": "😐",
    "awkward, nervous": "😬",
    "surprised, astonished": "😯 😮 😲 🫢 🙀",
    "bored, yawning": "🥱",
    "sleepy, tired": "😴 😪 💤 🛌",
    "dizzy, overwhelmed": "😵 🥴 😵‍💫",
    "relieved, exhausted": "😮‍💨",
    "absent-minded, foggy": "😶‍🌫",
    "disgusted, nauseated": "🤢 🤮",
    "sick, ill": "🤧 😷 🤒 🤕 🦠",
    "rich, money": "🤑 💰 💵 💸",
    "adventurous, cowboy": "🤠",
    "scary, monster": "👹 👺 🧟 🧛",
    "spooky, ghost": "👻 🎃",
    "foolish, clown": "🤡",
    "disgusting, gross": "💩",
    "death, dark": "💀 ☠",
    "science fiction, alien": "👽 👾 🛸",
    "futuristic, robot": "🤖",
    "melting, overwhelmed": "🫠",
    "respect, loyal": "🫡",
    "lonely, invisible": "🫥",
    "shaken, shocked": "🫨",
    "shy, embarrassed": "🙈",
    "secret, oops": "🙉 🙊",
    # Hearts
    "love": "❤ 🧡 💛 💚 💙 💜 🤎 🤍 🩷 🩵 🩶 ♥ 🫶 🤟",
    "love, romantic": "💕 💞 💓 💗 💖 💘 💝 💟 💌 💑 💏 🌹",
    "dark, mourning": "🖤",
    "heartbroken, sad": "💔 🥀",
    "healing, recovering": "❤‍🩹",
    "passionate, burning love": "❤‍🔥",
    # Gestures
    "good, approving": "👍 👌 🙆",
    "bad, disapproving": "👎",
    "peaceful": "✌ 🕊 ☮",
    "hopeful, good luck": "🤞 🍀",
    "relaxed, cool": "🤙",
    "rock music, energetic": "🤘 🎸",
    "friendly, hello": "👋",
    "admiring, applause": "👏",
    "joyful, celebrating": "🙌",
    "trust, friendship": "🤝",
    "grateful, praying": "🙏 🤲",
    "strong, motivated": "💪 ✊ 👊",
    "angry, rude insult": "🖕",
    "comforting, hug": "🫂",
    "unsure, indifferent": "🤷",
    "embarrassed, frustrated": "🤦",
    "refusing, no": "🙅 ✋ ❌ 🚫 ⛔",
    "eager, ready": "🙋",
    "sorry, respectful": "🙇",
    "curious, watching": "👀",
    "confident, glamorous": "💅",
    # Celebration, music, play, achievement
    "celebration, party": "🎉 🎊 🎈 🥂 🍾 🍻 🪅 🎆 🎇",
    "birthday, celebration": "🎂",
    "surprise, gift": "🎁",
    "dancing, party": "💃 🕺 👯 🪩",
    "music, melody": "🎶 🎵 🎼 🎧 🎹 🎻 🎷 🎺",
    "singing, music": "🎤",
    "playing games, fun": "🎮 🕹 🎲",
    "thrilling, fun": "🎢 🎡 🎠 🎪",
    "movie, entertaining": "🎬 🎥 🍿",
    "dramatic, theatre": "🎭",
    "creative, artistic": "🎨 🖌",
    "learning, reading": "📚 📖",
    "proud, graduation": "🎓",
    "proud, victorious": "🏆 🥇 🏅 👑",
    "focused, determined": "🎯",
    "energetic, sporty": "⚽ 🏀 🏈 ⚾ 🎾 🏐 🏋 🏃 🚴 🤸 ⛹",
    "energetic, electric": "⚡",
    "calm, meditating": "🧘",
    "relaxed, soothing": "🛀 💆 🧖",
    "adventure, outdoors": "🏄 🧗 🏕 ⛺ 🥾 🧭 🏔",
    "magical, wonderful": "✨ 🌟 ⭐ 💫 🪄 🦄 🧚 🧜 🧙",
    "exciting, fire": "🔥",
    "perfect, excellent": "💯",
    "shocking, explosion": "💥 🤯",
    "ambitious, exciting": "🚀",
    "inspired, idea": "💡",
    "intelligent, thinking": "🧠",
    "waiting, expecting": "⏳ ⌛ ⏰",
    "brave, hero": "🦸",
    "successful, done": "✅ ✔ ☑ 📈",
    "precious, luxurious": "💎",
    "festive, cozy christmas": "🎄 🎅 🤶",
    "wedding, love": "👰 🤵 💒 💍",
    "tender, baby": "👶 🍼 🤱",
    "family, love": "👪",
    # Trouble
    "danger, warning": "⚠ ☢ ☣ 🚨 🆘 💣",
    "violent, dangerous": "🔪 🗡 ⚔ 🔫",
    "grief, mourning": "⚰ ⚱ 🪦",
    "confused, question": "❓ ❔",
    "surprised, alarmed": "❗ ❕ ‼ ⁉",
    "loss, decline": "📉",
    # Sky, weather, nature
    "cheerful, sunny": "☀ 🌞 🌤",
    "hopeful, sunrise": "🌅 🌄",
    "joyful, hopeful rainbow": "🌈 🏳‍🌈",
    "gloomy, cloudy": "☁ ⛅ 🌥",
    "gloomy, rainy": "🌧 🌦 ☔",
    "stormy, dark": "⛈ 🌩",
    "chaotic, storm": "🌪 🌀",
    "cozy, snowy winter": "❄ ☃ ⛄ 🌨",
    "mysterious, foggy": "🌫",
    "calm, ocean": "🌊 🐬 🐳 🐋 🐟 🐠",
    "relaxed, beach holiday": "🏖 🏝 ⛱ 🌴",
    "dreamy, night": "🌙 🌛 🌜 🌚 🌝 🌃",
    "wonder, starry sky": "🌌 🌠",
    "adventure, travel": "🌍 🌎 🌏 🗺 ✈ 🛫 🧳 🚗 🚂",
    "gentle, beautiful flowers": "🌸 🌺 🌻 🌼 🌷 💐 🪷 🪻 🦋",
    "peaceful, nature": "🌱 🌿 ☘ 🍃 🌳 🌲",
    "nostalgic, autumn": "🍂 🍁",
    # Animals
    "cute, adorable animal": "🐶 🐕 🐩 🐱 🐈 🐰 🐇 🐹 🐭 🐻 🐼 🐨 🐣 🐤 🐥 🦊 🐷 🐑 🐿 🦔 🐧 🧸",
    "funny, playful monkey": "🐵 🐒",
    "fierce, powerful animal": "🦁 🐯 🐅 🐆 🐺 🦅 🐉 🐲 🦈 🐊 🦖",
    "creepy, crawling animal": "🕷 🕸 🦂 🐍 🦇 🐀 🪳 🪰 🦟 🪱",
    "country life, farm animal": "🐮 🐄 🐴 🐔 🐓 🐐",
    "slow, relaxed animal": "🐌 🐢 🦥",
    # Food and home
    "hungry, tasty food": "🍕 🍔 🍟 🌭 🌮 🌯 🍝 🍜 🍣 🥘",
    "sweet, delicious treat": "🍰 🍩 🍪 🍫 🍬 🍭 🍦 🍨 🧁",
    "cozy, warm drink": "☕ 🍵 🫖",
    "relaxed, drinks": "🍷 🍸 🍹 🍺 🥃",
    "cozy, home": "🏠 🏡 🛋 🕯",
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
    r"\b(?:not|no|never|nothing|without|anything but|\w+n['’]t|dont|isnt)"  # noqa: RUF001 - people type either
    r"(?:\s+(?:a|all|an|any|anything|at|be|being|feel|feeling|longer|more|really|so|that|the|to|too|very|want))*"
    r"\s+",
    re.IGNORECASE,
)
_NEGATED_WORDS = re.compile(_NEGATION.pattern + r"(\w+(?:\s+n?or\s+\w+)*)", re.IGNORECASE)
_NEGATION_AT_END = re.compile(_NEGATION.pattern + r"$", re.IGNORECASE)
_JOINER = "\u200d"
_NOT_A_MOOD = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[♀♂]")  # variation selectors, skin tones, genders


def mood_to_words(mood: str) -> str:
    """Say a mood in words: emoji become what people mean by them, negated everyday moods become their opposites.

    Text without either comes back as it is, but for its white space. Emoji side by side are listed with commas, each
    meaning once.
    """
    text = _NOT_A_MOOD.sub("", mood)
    words, end = "", 0
    run: set[str] = set()  # the phrases of the emoji side by side up to here
    for found in emoji.emoji_list(text):
        between = text[end : found["match_start"]].strip(_JOINER)
        end = found["match_end"]
        phrase = _phrase_of(found["emoji"])
        if between.strip() or not run:
            words += f"{between} {_mood_of(phrase) if _NEGATION_AT_END.search(between + ' ') else phrase}"
            run = {phrase}
        elif phrase not in run:
            words += f", {phrase}"
            run.add(phrase)
    words += f" {text[end:]}"
    return _NEGATED_WORDS.sub(_say_opposite, " ".join(words.split()))


def _phrase_of(symbol: str) -> str:
    """What an emoji means, or else its Unicode name."""
    name: str = emoji.EMOJI_DATA[symbol]["en"].strip(":").replace("_", " ")
    return _phrases().get(symbol, name)


def _mood_of(phrase: str) -> str:
    return phrase.partition(",")[0]


def _say_opposite(negation: re.Match[str]) -> str:
    """The opposites of the negated words, or the negation as it stands where one of them has none."""
    negated = [word for word in re.findall(r"\w+", negation[1].lower()) if word not in {"or", "nor"}]
    if not all(word in _opposites() for word in negated):
        return negation[0]
    return ", ".join(dict.fromkeys(_opposites()[word] for word in negated))


@cache
def _phrases() -> dict[str, str]:
    return {symbol: phrase for phrase, symbols in _EMOJI_OF_MOOD.items() for symbol in symbols.split()}


@cache
def _opposites() -> dict[str, str]:
    return {word: opposite for words, opposite in _OPPOSITES.items() for word in words.split()}
