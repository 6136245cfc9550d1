"""Italian words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "felic*, content*, gioi*, allegr*, lieto, lieta, buon umore, di buon umore, sorri*, "
    "serenamente felice, ottimis*, positiv*, entusiasta e felice, bene, soddisfatt*, "
    "spensierat*, radios*, rallegr*",
    "joy!": "tirami su, rallegrami, fammi sorridere, tirami su di morale, rendimi felice",
    "sadness": "trist*, depress*, deprim*, pianger*, piang*, pianto, lacrim*, malincon*, infelic*, "
    "abbattut*, giù, giu di morale, sconfort*, disper*, dolor*, cuore spezzato, sofferen*, "
    "soffr*, lutto, dispiaciut*, addolorat*, delus*, amareggiat*, avvilit*, sto male, "
    "scoraggiat*, cupo, cupa",
    "calm": "calm*, tranquill*, rilass*, seren*, pace, pacific*, quiet*, ripos*, riposo, distend*, "
    "disteso, silenzi*, dolcezza e calma, accoglient*, dormire, medit*, sollev*, pacat*, "
    "beato, beata",
    "calm!": "calmami, rilassami, tranquillizzami, aiutami a rilassarmi, aiutami a dormire",
    "excitement": "emozionat*, emozionante*, eccitat*, eccitant*, entusias*, euforic*, energ*, energia, "
    "carico, carica, gasat*, festa, festegg*, ballare, avventur*, adrenalin*, elettrizz*, "
    "scatenat*, non vedo l ora, esaltat*, frizzant*",
    "excitement!": "svegliami, dammi energia, dammi la carica, intrattienimi",
    "anger": "arrabbiat*, rabbia, furios*, furia, ira, irat*, incazzat*, irritat*, infastidit*, "
    "frustrat*, odio, nervosismo e rabbia, stufo, stufa, seccat*, indignat*, collera, rancor*",
    "fear": "spavent*, paur*, impaurit*, terror*, terrorizz*, orror*, inquietant*, spettral*, "
    "brivid*, panico, terrific*, angosciant*, tenebr*, fantasm*, incub*, raccapric*, timor*, "
    "macabr*, sinistr*",
    "fear!": "spaventami, fammi paura, fammi spaventare",
    "stress": "stress*, ansi*, ansios*, nervos*, preoccup*, teso, tesa, tesi, tension*, agitat*, "
    "sopraffatt*, sotto pressione, pressione, angosci*, inquiet*, oberat*, sovraccaric*, "
    "dramm*",
    "loneliness": "solo, sola, soli, sole e sola, solitudin*, solitar*, isolat*, abbandonat*, senza amici, "
    "nessuno mi ama, mi manchi, mi manca, incompres*, emarginat*",
    "boredom": "annoiat*, noia*, noios*, annoi*, mi annoio, niente da fare, monoton*, ammazzare il "
    "tempo, svogliat*, apatic*, tedi*",
    "romance": "romantic*, amore, amor*, innamorat*, passion*, appassionat*, bacio, baci, ti amo, amare, "
    "affett*, affettuos*, fidanzat*, coppia, sensual*, cotta, san valentino, dolce metà, "
    "amato, amata",
    "tenderness": "tener*, dolce, dolcezza, gentil*, compassion*, commoven*, commoss*, toccante*, "
    "affettuosamente, abbracci*, premuros*, carino, carina",
    "amusement": "divertent*, diverti*, ridere, ridi, ridiamo, risat*, buffo, buffa, buffi, comic*, commedi*, "
    "scherz*, barzellett*, umoris*, spassos*, spiritos*, giocos*, ironic*, esilarant*, "
    "sciocc*",
    "amusement!": "fammi ridere, voglio ridere, fatemi ridere, farmi ridere",
    "motivation": "motiva*, ispira*, determinat*, ambizios*, deciso, decisa, concentrat*, produttiv*, "
    "forza, forte, impegn*, success*, vincente, vincenti, coraggi*, persever*, grinta, grintos*, "
    "tenac*, allenar*",
    "motivation!": "motivami, ispirami, dammi forza, spronami",
    "nostalgia": "nostalg*, ricord*, infanzia, bei tempi, vecchi tempi, passato, sentimental*, anni 80, "
    "anni 90, retro, d altri tempi, rimpian*",
    "pride": "orgogli*, fiero, fiera, sicuro di me, sicura di me, trionf*, vittori*, fiducioso in me",
    "gratitude": "grato, grata, grati, riconoscen*, grazie, gratitudine",
    "hope": "speran*, fiducios*, sperare",
    "curiosity": "curios*, interessat*, interessant*, affascin*, incuriosit*, imparare",
    "surprise": "sorpres*, sorprend*, stupit*, stupor*, scioccat*, sbalordit*",
    "awe": "meravigl*, incantat*, magic*, ammirat*, ammirazione, mozzafiato",
    "disgust": "disgust*, schif*, ripugn*, nausea*",
    "shame": "vergogn*, imbarazz*, colpa, colpevol*, timid*, umiliat*",
    "confusion": "confus*, perso, persa, smarrit*, disorientat*, perpless*, indecis*, dubbio, dubbi, dubbios*",
    "tiredness": "stanco, stanca, stanchi, stanche, stanchezza, esaust*, sfinit*, affaticat*, sonno, "
    "assonnat*, spossat*, distrutto, distrutta",
    "mystery": "mistero, misterios*, suspense, enigm*, intrig*",
    "envy": "gelos*, invidi*",
    "thought": "pensieros*, riflessiv*, rifless*, serio, seria, contempl*, filosof*, profond*",
    "togetherness": "amici, amiche, amicizia, famigli*, insieme, compagnia, uniti, unite",
    "trust": "al sicuro, sicurezza, protett*, fiducia",
}
