"""Spanish words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "feli*, content*, alegr*, dichos*, gozo*, jubilos*, buen humor, buen rollo, de buenas, "
    "bien, genial, optimis*, sonrei*, sonris*, positiv*, satisfech*, disfrut*, buen dia, "
    "sonriente, animado, encantad*",
    "joy!": "animame, alegrame, subeme el animo, levantame el animo, hazme sonreir, alegrame el dia, hazme feliz",
    "sadness": "trist*, deprimid*, depre, depresion, depresiv*, llor*, lagrima*, melancol*, desanimad*, "
    "deshecho, abatid*, decaid*, infeliz, desdichad*, dolor*, dolid*, pena, duelo, afligid*, "
    "desesperad*, desesperanz*, corazon roto, de bajon, bajon, mal dia, sufr*, mal, "
    "apenad*, hundid*",
    "calm": "calm*, tranquil*, relaj*, seren*, paz, pacific*, sosegad*, sosiego, descans*, sosten, "
    "quietud, silencio, suave, medita*, meditar, apacible, placid*, a gusto, dormir, acogedor*",
    "calm!": "calmame, relajame, tranquilizame, ayudame a relajarme, ayudame a dormir, quiero dormir",
    "excitement": "emocionad*, emocionante*, emocion, entusias*, ilusionad*, excitad*, euforic*, energ*, "
    "adrenalina, fiesta*, eufori*, marcha, bailar, aventur*, con ganas, acelerad*, "
    "apasionante, vibrante",
    "excitement!": "despiertame, dame energia, entretenme",
    "anger": "enfadad*, enfado, enojad*, enojo, furios*, furia, rabia, rabios*, ira, irritad*, "
    "molest*, cabread*, indignad*, frustrad*, harto, harta, hartos, odio, colera, bronca",
    "fear": "asustad*, susto*, miedo*, miedos*, terror*, aterrad*, aterror*, espant*, espeluznante*, "
    "horror*, pavor, siniestr*, panico, escalofri*, de miedo, tenebros*, temor*, temeros*, "
    "fantasma*, pesadilla*, macabr*",
    "fear!": "asustame, dame miedo",
    "stress": "estres*, ansios*, ansiedad, nervios*, agobiad*, agobio, preocupa*, tens*, abrumad*, "
    "presion, presionad*, angusti*, inquiet*, desbordad*, intranquil*, saturad*, drama*",
    "loneliness": "solo, sola, solos, solas, soledad, solitari*, aislad*, abandonad*, sin amigos, nadie me "
    "quiere, incomprendid*, te extrano, extrano a, echo de menos, te echo de menos",
    "boredom": "aburrid*, aburr*, tedio*, hastio, desgana, monoton*, sin nada que hacer, nada que hacer, "
    "apatic*, matar el tiempo, desganad*",
    "romance": "romant*, romance*, amor, amores, enamora*, apasionad*, pasion, cariño*, carino*, beso*, "
    "te quiero, te amo, amar, amad*, ternura y amor, cita romantica, novio, novia, pareja, "
    "sensual*, san valentin",
    "tenderness": "tiern*, ternura, dulc*, amable*, compasi*, conmov*, enternec*, calido, calida, bondad*, abrazo*",
    "amusement": "gracios*, divertid*, divert*, risa*, reir*, reirme, chist*, broma*, comic*, comedia*, "
    "humor*, chistos*, juguet*, tonterias, cachond*, payas*",
    "amusement!": "hazme reir, haceme reir, quiero reirme, quiero reir",
    "motivation": "motiva*, inspirad*, inspira*, decidid*, determinad*, determinacion, ambicios*, esforz*, "
    "esfuerzo, superacion, fuerza, fuerte, concentrad*, productiv*, logr*, exito*, "
    "perseveran*, valiente*, entrenar, ganador*",
    "motivation!": "motivame, inspirame, dame fuerzas, animame a",
    "nostalgia": "nostalg*, recuerdo*, recordar, anoran*, añoran*, infancia, viejos tiempos, sentimental*, "
    "los 80, los 90, retro, pasado, de antes, melancolia del pasado",
    "pride": "orgull*, confiad*, seguro de mi, segura de mi, triunf*, victori*, confianza en mi",
    "gratitude": "agradecid*, gratitud, gracias, bendecid*",
    "hope": "esperanz*, ilusion, optimismo, fe",
    "curiosity": "curios*, interesad*, interesante*, fascin*, intrigad*, aprender",
    "surprise": "sorprend*, sorpres*, asombrad*, impactad*, alucinad*, flipando",
    "awe": "maravill*, asombro*, fascinante, magic*, impresionant*",
    "disgust": "asco, asquead*, asqueros*, repugn*, nausea*",
    "shame": "vergüenza, avergonzad*, culpa*, timid*, arrepentid*, humillad*",
    "confusion": "confundid*, confus*, perdid*, desorientad*, dudas, indecis*",
    "tiredness": "cansad*, cansancio, agotad*, agotamiento, exhaust*, fatiga*, sueño, sueno, con sueño, "
    "rendid*, molid*",
    "mystery": "misteri*, suspenso, suspense, intriga, enigm*",
    "envy": "celos*, celos, envidi*",
    "thought": "pensativ*, reflexiv*, reflexion*, serio, seria, contempl*, filosof*, profund*",
    "togetherness": "amigos, amistad, amig*, familia*, acompañad*, compañia, juntos, unid*",
    "trust": "segur*, a salvo, confianza, protegid*",
}
