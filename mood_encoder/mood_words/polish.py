"""Polish words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "szczęśliw*, szczęśc*, radosn*, radość*, wesoł*, zadowolon*, dobry humor, dobrym humorze, uśmiech*, pogodn*",
    "joy!": "rozwesel mnie, popraw mi humor, pociesz mnie",
    "sadness": "smutn*, smutno, smutek*, smutk*, nieszczęśliw*, przygnębion*, depresj*, płacz*, płaka*, "
    "łzy, łez, złamane serce, rozpacz*, ból, żal, żałob*, rozczarowan*",
    "calm": "spokojn*, spokój*, spokoj*, zrelaksowan*, relaks*, odpocz*, odpręż*, cisz*, cicho, "
    "wyciszy*, spać, pogod* ducha",
    "calm!": "uspokój mnie, pomóż mi się zrelaksować, pomóż mi zasnąć",
    "excitement": "podekscytowan*, ekscytuj*, entuzjaz*, energi*, imprez*, tańcz*, przygod*, nie mogę się doczekać",
    "anger": "zły, zła, wściekł*, złość*, gniew*, zdenerwowan* i zł*, wkurz*, rozzłoszcz*, zirytowan*, "
    "nienawi*, sfrustrowan*",
    "fear": "przestraszon*, strach*, straszn*, boję, przeraż*, przerażon*, horror*, grozy, lęk*, upiorn*, koszmar*",
    "fear!": "przestrasz mnie",
    "stress": "zestresowan*, stres*, nerwow*, zdenerwowan*, niespokojn*, zmartw*, martwi*, napięt*, "
    "napięc*, przytłoczon*, presj*, zaniepokojon*",
    "loneliness": "samotn*, sama, osamotn*, brak przyjaciół, nie mam przyjaciół, tęsknię za tobą, opuszczon*",
    "boredom": "znudzon*, nuda, nudy, nudne, nudny, nudno, nudzi*, nudzę, nie ma co robić, monoton*",
    "romance": "romantyczn*, romans*, miłoś*, zakochan*, kocham, namiętn*, pocałun*, całus*, randk*",
    "tenderness": "czuł*, delikatn*, życzliw*, wzrusz*, uroc*, słodk*, ciepł*",
    "amusement": "śmieszn*, zabawn*, śmiech*, śmiać*, komedi*, żart*, humor*, rozbaw*, dowcip*",
    "amusement!": "rozśmiesz mnie, chcę się pośmiać",
    "motivation": "zmotywowan*, motywac*, zainspirowan*, inspirac*, zdeterminowan*, ambitn*, skupion*, "
    "siła, silny, silna, sukces*, wytrwa*",
    "motivation!": "zmotywuj mnie, zainspiruj mnie",
    "nostalgia": "nostalg*, wspomn*, dzieciństw*, dawne czasy, stare czasy, tęskn*, sentymental*",
    "pride": "dumn*, duma, pewny siebie, pewna siebie, triumf*",
    "gratitude": "wdzięczn*",
    "hope": "nadziej*, pełen nadziei",
    "curiosity": "ciekaw*, zainteresowan*",
    "surprise": "zaskocz*, zdziwion*, szok*",
    "disgust": "obrzydz*, wstręt*",
    "shame": "zawstydz*, wstyd*, winny, winna, winni, nieśmiał*",
    "tiredness": "zmęcz*, wyczerpan*, senn*, śpiąc*",
    "envy": "zazdro*",
    "thought": "zamyślon*, refleks*, poważn*",
}
