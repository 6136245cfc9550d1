"""French words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "heureu*, content, contente, contents, contentes, joie*, joyeu*, gai, gaie, gaiete, "
    "ravi*, bonne humeur, epanoui*, enchante, enchantee, bonheur, souri*, optimis*, positif*, "
    "positiv*, enjoue*, bien, super, satisfait*, allegresse, radieu*",
    "joy!": "remonte moi le moral, remonter le moral, fais moi sourire, egaye ma journee, rends moi "
    "heureux, rends moi heureuse",
    "sadness": "triste*, tristesse*, malheureu*, deprime*, depression, pleur*, larme*, chagrin*, "
    "melancol*, cafard, le cafard, desespoir, desespere*, abattu*, coeur brise, peine, deuil, "
    "sombre*, morose*, decourage*, decu*, deception, mal, souffr*, blesse*, maussade*",
    "calm": "calme*, tranquill*, detendu*, détente, detendre, me detendre, relax*, serein*, serenite, "
    "paisible*, paix, apais*, repos*, zen, douceur, silenc*, cocooning, cosy, medit*, dormir, "
    "decontract*",
    "calm!": "calme moi, detends moi, apaise moi, aide moi a me detendre, aide moi a dormir, besoin de calme",
    "excitement": "excite*, excitant*, enthousias*, surexcit*, euphor*, energ*, energique*, fete*, faire la "
    "fete, danser, palpitant*, adrenaline, aventur*, emballe*, survolte*, hate de, "
    "impatient*, dynami*, electrisant*",
    "excitement!": "reveille moi, donne moi de l energie, divertis moi, ambiance moi",
    "anger": "colere, en colere, fache*, furieu*, furieux, fureur, rage*, enerve*, agace*, irrite*, "
    "frustre*, frustration, haine, vener, indigne*, enrage*, degoute et fache, rancun*",
    "fear": "effray*, peur*, apeure*, terreur*, terrifi*, horreur*, horrifi*, epouvant*, flippant*, "
    "angoissant*, frisson*, frayeur*, effroi*, paniqu*, sinistre*, fantome*, hante*, "
    "cauchemar*, glauque*, inquietant*, trouille, craint*, macabre*, film d horreur",
    "fear!": "fais moi peur, effraie moi",
    "stress": "stress*, anxi*, nerveu*, nervosite, angoiss*, tendu*, tension*, inquiet*, inquiete*, "
    "deborde*, submerge*, pression, preoccup*, surmene*, a bout, agite*, souci*, dram*, burn "
    "out",
    "loneliness": "seul, seule, seuls, seules, solitude, solitaire*, isole*, isolement, abandonne*, "
    "delaisse*, sans amis, personne ne m aime, tu me manques, me manque, incompris*",
    "boredom": "ennui*, ennuy*, m ennuie, ennuyeux, ennuyeuse, lasse, lass*, monoton*, morne*, rien a "
    "faire, tuer le temps, blase*, barbant*, apath*, desoeuvre*",
    "romance": "romant*, amour*, amoureu*, amoureux, aimer, je t aime, passion*, tendres baisers, "
    "baiser, baisers, bisou*, coup de foudre, saint valentin, couple*, cheri*, sensuel*, "
    "seduc*, affection*, affectueu*, adore, fiance*, romance*",
    "tenderness": "tendre*, tendresse, doux, douce, gentil*, compassion*, touchant*, emouvant*, emu*, "
    "attendri*, mignon*, bienveill*, calin*, chaleureu*",
    "amusement": "drole*, amusant*, amus*, rire*, rigol*, marrant*, blague*, comique*, comed*, humour*, "
    "hilarant*, humorist*, plaisant*, joueu*, espiegl*, delir*, mdr, ptdr, farce*",
    "amusement!": "fais moi rire, faites moi rire, envie de rire, fais moi rigoler",
    "motivation": "motiv*, inspir*, determin*, ambitieu*, ambition, courag*, concentr*, productif*, "
    "productiv*, force, effort*, persever*, reussi*, surpass*, depass*, battant*, gagn*, "
    "discipline",
    "motivation!": "motive moi, inspire moi, donne moi du courage, booste moi",
    "nostalgia": "nostalg*, souvenir*, enfance, le bon vieux temps, bon vieux temps, autrefois, le passe, "
    "sentimental*, annees 80, annees 90, retro, d antan",
    "pride": "fier, fiere, fierte, confian*, triomph*, victoire, sur de moi, assur*",
    "gratitude": "reconnaiss*, gratitude, merci",
    "hope": "espoir*, esper*, plein d espoir",
    "curiosity": "curieu*, curiosite*, interess*, fascin*, intrigu*, apprendre",
    "surprise": "surpris*, surprise*, etonn*, choque*, stupef*",
    "awe": "emerveill*, merveill*, magique*, admirati*, impressionn*, ebloui*",
    "disgust": "degout*, dégueu*, ecoeur*, repugn*, nausee*",
    "shame": "honte*, honteu*, coupable*, culpabil*, gene de honte, timid*, humili*, embarrass*",
    "confusion": "confus*, perdu*, perplex*, desorient*, doute*, indecis*",
    "tiredness": "fatigu*, epuis*, creve*, sommeil, sommeil*, extenu*, las, lasse de tout",
    "mystery": "myster*, suspense, intrigue, enigm*",
    "envy": "jalou*, envie et jalousie, envieu*",
    "thought": "pensif*, pensiv*, reflechi*, reflexion*, serieu*, contempl*, philosoph*, profond*",
    "togetherness": "amis, amie*, amitie*, famille*, ensemble, entoure*, compagnie",
    "trust": "securite, protege*, rassur*, en securite",
}
