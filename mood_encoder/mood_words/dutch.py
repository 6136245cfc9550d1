"""Dutch words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "blij*, gelukkig*, vrolijk*, vreugde*, opgewekt*, goed gehumeurd, goede bui, tevreden*, "
    "glimlach*, vreugdevol*, geluk, positief*",
    "joy!": "vrolijk me op, maak me blij, beur me op",
    "sadness": "verdrietig*, verdriet*, droevig*, treurig*, ongelukkig*, somber*, huil*, tranen, "
    "depressi*, neerslachtig*, gebroken hart, liefdesverdriet, wanhop*, teleurgesteld*, "
    "rouw*, pijn",
    "calm": "kalm*, rustig*, tot rust, ontspan*, vredig*, sereen*, relaxed, gezellig*, slapen, stilte, bedaard*",
    "calm!": "kalmeer me, help me ontspannen, help me slapen",
    "excitement": "opgewonden*, enthousias*, energiek*, energie, uitgelaten*, feest*, dansen, avontuur*, "
    "avontuurlijk*, spannend*, zin in",
    "anger": "boos, boze, kwaad, woedend*, woede, geïrriteerd*, gefrustreerd*, pissig*, haat*",
    "fear": "bange, ben bang, bang voor, angst*, angstig*, enge, griezel*, griezelig*, schrik*, "
    "doodsbang*, horror*, spook*, nachtmerrie*",
    "fear!": "maak me bang, laat me schrikken",
    "stress": "gestrest*, gestresst*, zenuwachtig*, nerveus*, bezorgd*, gespannen*, overweldigd*, "
    "overspannen*, zorgen, onrustig*",
    "loneliness": "eenzaam*, eenzame, alleen, geïsoleerd*, verlaten, geen vrienden, mis je",
    "boredom": "verveel*, verveeld*, verveling*, saai*, saaie, niets te doen, eentonig*",
    "romance": "romantisch*, verliefd*, liefde*, passie*, gepassioneerd*, kus*, zoen*, hou van",
    "tenderness": "teder*, lief, lieve, schattig*, ontroerend*, ontroerd*, warmte, knuffel*",
    "amusement": "grappig*, lachen, lach*, hilarisch*, komisch*, humor*, grap, grappen, grapje*, leuk*, geestig*",
    "amusement!": "maak me aan het lachen, laat me lachen",
    "motivation": "gemotiveerd*, motivatie*, geïnspireerd*, inspiratie*, vastberaden*, ambitieus*, "
    "doelgericht*, krachtig*, sterk*, doorzett*",
    "motivation!": "motiveer me, inspireer me",
    "nostalgia": "nostalg*, heimwee, herinnering*, vroeger, jeugd, weemoed*",
    "pride": "trots*, zelfverzekerd*, triomf*",
    "gratitude": "dankbaar*, dankbare",
    "hope": "hoopvol*",
    "curiosity": "nieuwsgierig*, geïnteresseerd*",
    "surprise": "verrast*, verbaasd*",
    "disgust": "walging*, walgelijk*, vies",
    "shame": "beschaamd*, schaamte*, verlegen, schuldig*",
    "tiredness": "moe, vermoeid*, uitgeput*, slaperig*",
    "envy": "jaloers*, jaloezie*",
    "thought": "nadenkend*, serieus*, peinzend*",
}
