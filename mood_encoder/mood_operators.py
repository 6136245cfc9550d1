"""The words around a mood that say what is to become of it: avoided, wished, left behind. By kind, in all languages.

The form is that of ``mood_words/english.py``: phrases separated by commas, "*" for any ending.
"""

OPERATORS: dict[str, str] = {
    # What follows is not wanted.
    "avoid": "over being, leave the, keep out, spare me, not, no, never, without, nothing, none, nor, "
    "neither, cannot, can t stand, can t, cant stand, "
    "don t, dont, doesn t, doesnt, isn t, isnt, aren "
    "t, wasn t, weren t, won t, wouldn t, didn t, ain "
    "t, avoid*, except, excluding, skip, less, fewer, "
    "stop, quit, rather than, instead of, anything "
    "but, everything but, all but, enough of, had "
    "enough, no more, not another, other than, "
    "anything other than, free from, free of, forget, "
    "get rid of, away from, than, get me out of, out "
    "of, from, escape, against, minus, get over, cure "
    "for, cure, relief from, relieve, reduce, "
    "overcome my, beat my, fight my, help with my, "
    "cope with, dealing with, deal with my, kill my, "
    "ban, hate, dislike, tired of, sick of, fed up "
    "with, bored of, bored with, not into, opposite "
    "of, anti, nix, take my mind off, get my mind "
    "off, mind off, zero, hold the, leave out, no "
    "quiero, sin, nada de, nunca, ni, nada, tampoco, "
    "menos, evita*, excepto, salvo, en vez de, odio "
    "las, odio los, harto de, harta de, cansado de, "
    "cansada de, pas, pas de, sans, jamais, aucun, "
    "aucune, rien de, moins de, moins, sauf, evite*, "
    "marre de, marre d, plutot que, au lieu de, plus "
    "de, deteste, nicht, kein, keine, keinen, keiner, "
    "keinem, ohne, nie, niemals, nichts, weniger, "
    "ausser, statt, anstatt, genug von, satt, bloss "
    "nicht, hasse, non, senza, mai, niente, nessun*, "
    "meno, tranne, invece di, stufo di, stanco di, "
    "basta con, basta, nao, sem, nem, exceto, em vez "
    "de, chega de, farto de, farta de, odeio, ne, не, "
    "нет, без, никак*, никогда, ничего, меньше, "
    "хватит, кроме, вместо, надоел*, устал* от, "
    "ненавижу, tidak, tak, bukan, tanpa, jangan, "
    "nggak, ngga, gak, ga, kecuali, kurang, kurangi, "
    "selain, benci, لا, لا اريد, ليس, لست, بدون, غير, "
    "مش, ما, لن, لم, الا, بلا, اقل, niet, geen, "
    "zonder, nooit, minder, behalve, bez, nigdy, "
    "mniej, oprocz, zamiast, az, 안, बिना, कम",
    # What went before is not wanted.
    "avoided_before": "değil, degil, degilim, istemiyorum, istemem, "
    "yok, olmasın, हिं, नहीं, नही, मत, ना, 않*, 말고, "
    "싫*, 아니*, 없이, 빼고, 그만, mat, nahi, nahin",
    # Negations that negate nothing.
    "affirm": "nothing but, not only, not just, never been so, never been more, never been, couldn t "
    "be, can t stop, cant stop, can t get enough, can t help, can not help, no less than, why "
    "not, no doubt, if not, more than ever, no problem, no matter, whether or not, no solo, "
    "nicht nur, non solo, não só, pas seulement, не только",
    # What follows is asked for.
    "wish": "want, wants, wanna, need*, give me, give us, "
    "make me, make us, help me, let me, let us, let "
    "s, lets, could use, can use, would like, i d "
    "like, d like, id like, in the mood for, in mood "
    "for, looking for, show me, get me, bring me, put "
    "me, keep me, turn me, take me, more, prefer, "
    "rather, please give, wish, craving, crave, "
    "searching for, recommend, suggest, play, i d "
    "love, would love, into something, something, "
    "anything, turn it into, help to, in need of, "
    "ready for, time for, desire to, to become, to "
    "be, become, get, quiero, necesito, hazme, haz "
    "que, dame, ponme, ayudame, quisiera, busco, "
    "algo, mas, ganas de, mejor, je veux, veux, "
    "besoin d, besoin de, fais moi, donne moi, rends "
    "moi, aide moi, envie de, envie d, quelque chose, "
    "j aimerais, cherche, plutot, ich will, will, "
    "möchte, brauche, bring mich, mach mich, gib mir, "
    "hilf mir, lust auf, etwas, mehr, suche, lieber, "
    "voglio, vorrei, ho bisogno di, bisogno di, "
    "fammi, dammi, aiutami, rendimi, qualcosa, piu, "
    "cerco, voglia di, piuttosto, quero, preciso, me "
    "faca, me de, me da, me ajude, gostaria, vontade "
    "de, me deixe, хочу, нужно, хочется, дай, дайте, "
    "сделай, сделайте, помоги, что нибудь, что то, "
    "больше, лучше, mau, ingin, butuh, buat aku, buat "
    "saya, beri aku, kasih, tolong, bikin aku, bantu, "
    "lebih, sesuatu, pengen, istiyorum, bana, beni, "
    "lazım, ver, yap, daha, biraz, bir şey, اريد, "
    "احتاج, اعطني, اجعلني, ساعدني, بدي, عايز, عاوز, "
    "شيء, wil, ik wil, geef me, maak me, iets, meer, "
    "liever, chce, chcę, potrzebuję, daj mi, cos, "
    "coś, więcej, wolę, चाहिए, चाहता, चाहती, मुझे दो, "
    "करो, कुछ, ज़्यादा, 원해, 줘, 주세요, 싶*, 더",
    # A clause ends.
    "break": "but, because, so, then, instead, only, just, "
    "although, though, after, since, while, cause, "
    "cuz, still, however, yet, rather just, when, "
    "pero, porque, sino, despues, mais, parce, apres, "
    "aber, sondern, weil, denn, nach, nur, ma, "
    "perche, dopo, bensi, mas, porem, depois, но, "
    "потому, поэтому, а, только, после, tapi, tetapi, "
    "karena, hanya, setelah, ama, fakat, çünkü, "
    "sadece, sonra, لكن, ولكن, لان, بل, فقط, بعد, "
    "maar, omdat, dus, ale, bo, लेकिन, पर, मगर, "
    "क्योंकि, बस, 하지만, 그런데, 그래서",
    # Somebody tells how they are.
    "feel": "i m, im, i am, i feel, am, feel, feeling, felt, "
    "i ve, being, estoy, soy, me siento, siento, je "
    "suis, suis, je me sens, sens, ich bin, bin, "
    "fühle, mir ist, sono, mi sento, estou, sou, me "
    "sinto, sinto, я, мне, чувствую, aku, saya, "
    "merasa, hissediyorum, ben, انا, اشعر, احس, ik "
    "ben, voel, jestem, czuję, मैं, मुझे, 나, 난, 기분",
    "from": "from, de, von, da, от, из, dari, من",
    "to": "to, into, a, zu, в, ke, الى",
    "more": "very, so, really, super, extremely, totally, "
    "absolutely, incredibly, insanely, deeply, "
    "utterly, completely, truly, muy, tan, tres, "
    "vraiment, sehr, so richtig, total, molto, tanto, "
    "muito, tao, очень, так, sangat, sekali, banget, "
    "çok, جدا, كثيرا, heel, erg, bardzo, बहुत, 너무, "
    "정말, 진짜, 매우, super duper",
    "less": "a bit, a little, slightly, kind of, kinda, sort "
    "of, somewhat, a tad, a touch of, a hint of, un "
    "poco, algo de, un peu, ein bisschen, etwas, un "
    "po, um pouco, немного, чуть, sedikit, agak, "
    "biraz, قليلا, een beetje, trochę, थोड़ा, 조금, 약간",
}

FUNCTION_WORDS: dict[str, str] = {
    "english": "i m im am the a an is are my me you to and of in feel feeling want need make something "
    "for with it this today so very not no please",
    "spanish": "el la los las un una estoy soy me muy y que de hoy quiero algo mi siento en por para con "
    "es no hazme tengo",
    "french": "je suis le la les un une des et tres me moi mon ma j ai veux quelque chose de pas ne du "
    "au ce est fais sens",
    "german": "ich bin der die das ein eine und sehr mir mich mein habe will möchte etwas ist nicht "
    "kein heute für fühle so",
    "italian": "sono il lo la gli un una e molto mi mio mia voglio qualcosa di che ho oggi non sento per",
    "portuguese": "estou sou o os as um uma e muito me meu minha quero algo de hoje não nao com sinto eu ta",
    "indonesian": "aku saya yang dan di ini itu sangat merasa ingin mau sedang lagi hari buat ada",
    "turkish": "ben bir ve çok cok bu beni bana istiyorum hissediyorum bugün için canım var",
    "dutch": "ik ben het een en zeer mij mijn wil iets is niet geen vandaag voel de",
    "polish": "jestem się i bardzo mnie mi chcę coś jest nie dziś czuję mam",
}
"""Words that tell a language where a word of a mood is one of several."""

# In Japanese, which has no spaces, after a mood.
CJK_AVOIDED_BEFORE = (
    "たくない",
    "くない",
    "じゃない",
    "ではない",
    "なくて",
    "ない",
    "ません",
    "以外",
    "なし",
    "抜き",
    "嫌",
    "いや",
    "イヤ",
    "苦手",
    "やめて",
)
# In Chinese, before one.
CJK_AVOID = (
    "不要",
    "不想",
    "别",
    "別",
    "不",
    "没",
    "沒",
    "除了",
    "无需",
    "拒绝",
    "少点",
)
