"""The hidden structure of the world: topics, moods, and the words that express them in texts.

No served text contains the label of a mood: moods are expressed only by literary words.
"""

MOOD_WORDS: dict[str, tuple[str, ...]] = {
    "happy": ("joy", "delight", "cheerfulness", "bliss", "merriment", "gladness", "sunny contentment", "radiance"),
    "sad": ("sorrow", "grief", "melancholy", "heartache", "mourning", "tearful loss", "despondency", "regret"),
    "calm": ("serenity", "tranquility", "stillness", "peacefulness", "contemplation", "repose", "quietude", "composure"),
    "excited": ("exhilaration", "thrill", "anticipation", "elation", "adrenaline", "fervor", "eagerness", "euphoria"),
    "stressed": ("tension", "pressure", "anxiety", "urgency", "strain", "frustration", "worry", "burnout"),
    "lonely": ("isolation", "solitude", "estrangement", "longing", "abandonment", "emptiness", "alienation", "distance"),
    "bored": ("tedium", "monotony", "listlessness", "apathy", "ennui", "indifference", "weariness", "yawning dullness"),
    "romantic": ("tenderness", "affection", "passion", "intimacy", "devotion", "yearning", "adoration", "courtship"),
    "funny": ("amusement", "humor", "playfulness", "laughter", "comedy", "mischief", "silliness", "absurdity"),
    "motivated": ("determination", "confidence", "ambition", "perseverance", "drive", "resolve", "discipline", "grit"),
    "nostalgic": ("reminiscence", "wistfulness", "remembrance", "bygone days", "childhood memories", "retro charm",
                  "old photographs", "homesick reverie"),
    "scared": ("fear", "dread", "terror", "unease", "suspense", "menace", "fright", "foreboding"),
}  # fmt: skip

TOPIC_WORDS: dict[str, tuple[str, ...]] = {
    "mountain hiking": ("trail", "summit", "ridge", "boots", "backpack", "fog over the valley", "campfire", "map"),
    "street food": ("skewers", "market stall", "chili oil", "noodles", "sizzling pan", "queue", "paper plates", "dumplings"),
    "crypto markets": ("token", "wallet", "candlestick chart", "liquidity", "airdrop", "blockchain", "exchange", "mint"),
    "machine learning": ("neural network", "dataset", "benchmark", "robot arm", "code editor", "model weights", "prompt", "lab"),
    "startup life": ("founder", "pitch deck", "whiteboard", "investor call", "product launch", "coworking", "roadmap", "demo day"),
    "city skylines": ("rooftop", "neon signs", "subway", "rain on asphalt", "skyscraper", "traffic lights", "bridge", "harbor"),
    "ocean waves": ("surfboard", "tide", "shoreline", "seagulls", "reef", "salt spray", "lighthouse", "dolphins"),
    "house cats": ("kitten", "whiskers", "windowsill", "yarn", "purring", "litter of kittens", "tabby", "paws"),
    "dog training": ("puppy", "leash", "fetch", "treats", "park bench", "golden retriever", "agility course", "wagging tail"),
    "ballet and dance": ("rehearsal", "mirror wall", "pirouette", "choreography", "stage lights", "sneakers", "tempo", "ensemble"),
    "acoustic guitar": ("chords", "fingerpicking", "melody", "microphone", "songbook", "string bend", "encore", "duet"),
    "techno nights": ("synthesizer", "bass drop", "strobe", "warehouse", "turntable", "crowd", "subwoofer", "afterparty"),
    "weight lifting": ("barbell", "deadlift", "chalk", "repetitions", "protein shake", "squat rack", "coach", "personal record"),
    "football matches": ("penalty", "stadium", "goalkeeper", "scarf", "referee", "free kick", "dribble", "locker room"),
    "oil painting": ("canvas", "brush strokes", "easel", "palette", "gallery wall", "pigment", "portrait", "varnish"),
    "home baking": ("sourdough", "oven", "flour", "icing", "rolling pin", "cinnamon", "cookie tray", "whisk"),
    "vintage cars": ("chrome", "engine", "garage", "steering wheel", "convertible", "road trip", "racing stripes", "carburetor"),
    "space flight": ("rocket", "orbit", "launch pad", "astronaut", "telescope", "nebula", "capsule", "countdown"),
    "gardening": ("seedlings", "greenhouse", "compost", "tulips", "watering can", "tomato vines", "pruning shears", "bees"),
    "board games": ("dice", "chess clock", "card deck", "miniatures", "tournament", "rulebook", "tokens", "winning move"),
    "fashion looks": ("runway", "denim", "tailor", "accessories", "fitting room", "silhouette", "fabric", "lookbook"),
    "meditation": ("breathing", "cushion", "incense", "mantra", "sunrise", "retreat", "gong", "posture"),
    "ghost stories": ("abandoned house", "candle", "cellar door", "footsteps", "old mirror", "fog", "whispers", "attic"),
    "family cooking": ("grandmother", "recipe card", "kitchen table", "stew", "wooden spoon", "holiday dinner", "apron", "soup"),
}  # fmt: skip

MOOD_LABELS = tuple(MOOD_WORDS)
TOPICS = tuple(TOPIC_WORDS)

CATEGORY_SIZES: dict[int, tuple[str, int]] = {
    2: ("Vible", 647),
    8: ("Bloom Scroll", 555),
    4: ("E/ACC", 207),
    6: ("InstaRama", 169),
    13: ("Flic", 78),
    22: ("SolTok", 55),
    21: ("Pumptok", 19),
    3: ("The Igloo", 14),
    26: ("Bot", 6),
    20: ("OvaDrive", 5),
    5: ("Gratitube", 3),
    18: ("Startup College", 1),
    0: ("", 37),
}
"""Category id -> name and number of posts seen upstream; id 0 is no category. Scaled to the size of the world."""
