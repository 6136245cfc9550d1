"""Portuguese words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "feliz*, felic*, content*, alegr*, bom humor, de bem, sorri*, otimis*, positiv*, "
    "satisfeit*, radiante*, bem, otimo, encantad*, bem humorad*, jubil*",
    "joy!": "me anima, me anime, me alegre, me alegra, anima me, alegra me, me faça sorrir, levante "
    "meu astral, levanta meu astral, me faça feliz",
    "sadness": "trist*, deprimid*, depress*, depre, choro, chorar, chorando, chorei, choros*, lagrima*, "
    "melancol*, infeliz, abatid*, desanimad*, dor, dolorid*, sofr*, desesper*, coração "
    "partido, magoad*, luto, desiludid*, pra baixo, arrasad*, mal, deprê, desolad*, angustia "
    "e tristeza, decepcion*",
    "calm": "calm*, tranquil*, relax*, seren*, paz, pacific*, sosseg*, descans*, quiet*, silenci*, "
    "aconchega*, dormir, medit*, suave*, zen, de boa, acalm*",
    "calm!": "me acalme, me acalma, acalme me, me relaxe, me ajude a relaxar, me ajude a dormir, preciso relaxar",
    "excitement": "animad*, empolga*, entusias*, euforic*, excitad*, energ*, energia, agitad* e feliz, "
    "festa*, dançar, aventur*, adrenalin*, eletrizant*, vibrant*, ansios* pelo show, balada, "
    "emocionad*, emocionante*",
    "excitement!": "me acorde, me dê energia, me anime para, me entretenha",
    "anger": "raiva, com raiva, zangad*, brav*, furios*, furia, irritad*, irrit*, nervos* e brav*, "
    "odio, frustrad*, indignad*, chatead*, revoltad*, puto, puta, fulo, ira, irad*, de saco "
    "cheio",
    "fear": "assustad*, assust*, medo*, medros*, com medo, terror*, apavorad*, pavor, horror*, "
    "arrepi*, assombr*, panico, sinistr*, fantasma*, pesadelo*, tenebros*, temor*, macabr*, "
    "susto*",
    "fear!": "me assuste, me assusta, me dê medo",
    "stress": "estress*, stress*, ansios*, ansiedade, nervos*, tens*, preocup*, sobrecarreg*, pressão, "
    "pressionad*, aflit*, angusti*, agoniad*, inquiet*, apreensiv*, drama*",
    "loneliness": "sozinh*, só, solidão, solitari*, isolad*, abandonad*, sem amigos, ninguem me ama, saudade "
    "de voce, sinto sua falta, sinto falta, carente, incompreendid*",
    "boredom": "entediad*, tedio*, entedi*, aborrecid*, chato, chata, monoton*, nada para fazer, nada "
    "pra fazer, sem nada pra fazer, matar o tempo, desinteressad*, apatic*",
    "romance": "romantic*, romant*, romance*, amor, amores, apaixon*, paixao, beijo*, te amo, amar, "
    "amad*, carinhos* e apaixonad*, namor*, casal, sensual*, dia dos namorados, encontro "
    "romantico",
    "tenderness": "terno, terna, ternura*, carinh*, doce, doçura, gentil*, compaix*, comov*, fofo, fofa, "
    "fofinh*, meig*, abraço*, acolhed*, afet*",
    "amusement": "engraçad*, divertid*, divert*, rir, riso*, risada*, piada*, comic*, comedia*, humor*, "
    "brincalh*, brincad*, hilari*, palhaç*, zoeira, kkk, kkkk, rsrs, bobagem",
    "amusement!": "me faça rir, me faz rir, quero rir, me fazer rir, faça me rir",
    "motivation": "motivad*, motiva*, inspirad*, inspira*, determinad*, determinação, ambicios*, focad*, "
    "foco, produtiv*, força, forte, esforç*, superação, sucesso, vencer, vencedor*, coragem, "
    "corajos*, persever*, treinar, garra",
    "motivation!": "me motive, me motiva, me inspire, me inspira, me dê força",
    "nostalgia": "nostalg*, saudad*, lembranç*, lembrar, recordaç*, infancia, velhos tempos, bons tempos, "
    "passado, sentimental*, anos 80, anos 90, retro",
    "pride": "orgulh*, confiant*, triunf*, vitori*, seguro de mim, segura de mim",
    "gratitude": "grato, grata, agradecid*, gratidão, obrigad*, abençoad*",
    "hope": "esperan*, esperanços*, fé",
    "curiosity": "curios*, interessad*, interessant*, fascin*, intrigad*, aprender",
    "surprise": "surpres*, surpreend*, chocad*, espantad*, pasm*",
    "awe": "maravilh*, admirad*, admiração, magic*, deslumbr*, impressionante, impressionad*, encantad*",
    "disgust": "nojo*, nojent*, enojad*, repugn*, repuls*",
    "shame": "vergonh*, envergonhad*, culpa*, timid*, humilhad*, arrependid*, constrangid*",
    "confusion": "confus*, perdid*, desorientad*, perplex*, duvid*, indecis*",
    "tiredness": "cansad*, cansaço, exaust*, esgotad*, fatigad*, sono, com sono, sonolent*",
    "mystery": "misteri*, suspense, enigm*, intrig*",
    "envy": "ciume*, ciument*, inveja*, invejos*",
    "thought": "pensativ*, reflexiv*, reflex*, sério, séria, contempl*, filosof*, profund*",
    "togetherness": "amigos, amizad*, famili*, juntos, companhia, unidos, unidas",
    "trust": "segur*, a salvo, protegid*, confiança",
}
