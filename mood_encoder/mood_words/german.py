"""German words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "glücklich*, froh*, fröhlich*, freud*, gut gelaunt, gute laune, heiter*, happy, "
    "zufrieden*, freu*, lächeln*, vergnügt*, gut drauf, selig*, glück, optimist*, wohl, "
    "positiv*, unbeschwert*, strahlend*, munter*, beschwingt*, begluckt*",
    "joy!": "munter mich auf, muntere mich auf, heitere mich auf, heiter mich auf, bring mich zum "
    "lächeln, mach mich glücklich, aufmuntern, aufheitern",
    "sadness": "traurig*, trauer*, unglücklich*, deprim*, depress*, niedergeschlagen*, weinen, weine, "
    "weint, weinerlich*, heulen, heul*, träne, tränen, melanchol*, kummer*, schmerz*, "
    "verzweif*, liebeskummer, gebrochenes herz, trübsal*, trüb*, betrübt*, elend*, "
    "schwermut*, schwermüt*, enttäusch*, bedrückt*, schlecht drauf, schlecht, herzschmerz, "
    "hoffnungslos*, leiden*, leid",
    "calm": "ruhig*, ruhe, entspann*, gelassen*, friedlich*, frieden, still, stille, chillig*, "
    "chillen, gemütlich*, besinnlich*, ausgeglichen*, erholsam*, erholung, abschalten, "
    "beruhig*, sanft*, harmonisch*, schlafen, einschlafen, meditati*, geborgen*, "
    "runterkommen, ganz locker",
    "calm!": "beruhige mich, beruhig mich, hilf mir zu entspannen, hilf mir beim einschlafen, entspanne mich",
    "excitement": "aufgeregt*, aufregend*, begeister*, euphor*, energiegeladen*, energie*, energisch*, "
    "spannend*, party, feier*, tanzen, abenteuer*, vorfreud*, ausgelassen*, mitreißend*, "
    "adrenalin*, voller energie, aufgedreht*, wilde, gespannt*, hibbelig*",
    "excitement!": "weck mich auf, gib mir energie, unterhalte mich",
    "anger": "wütend*, wut, zornig*, zorn, sauer, ärger*, verärgert*, genervt*, nervig*, aggressiv*, "
    "hass, hasse, hasserfüllt*, gereizt*, frustriert*, frust, empört*, erbost*, stinksauer, wutentbrannt*, "
    "verbittert*",
    "fear": "angst, ängst*, ängstlich*, verängstigt*, furcht*, grusel*, gruselig*, schreck*, "
    "erschrock*, horror*, unheimlich*, panik*, panisch*, entsetz*, grauen*, schauer*, spuk*, "
    "alptraum*, albtraum*, schaurig*, beklemmend*, bedrohlich*, gänsehaut, geister, "
    "geist*geschichten, bange",
    "fear!": "erschreck mich, mach mir angst, jag mir angst ein",
    "stress": "gestresst*, stress*, nervös*, nervos*, angespannt*, anspannung*, überfordert*, "
    "überlast*, besorgt*, sorge*, unruhig*, druck, unter druck, hektisch*, hektik, unruhe, "
    "überarbeitet*, anstrengend*, drama*, zu viel um die ohren, innere unruhe",
    "loneliness": "einsam*, allein*, verlassen*, isoliert*, ohne freunde, keine freunde, niemand mag mich, "
    "vermisse dich, vermiss*, unverstanden*, ausgeschlossen*, heimweh, verloren und allein",
    "boredom": "gelangweilt*, langweil*, öde, nichts zu tun, eintönig*, fade stimmung, lustlos*, zeit "
    "totschlagen, monoton*, teilnahmslos*, trist*",
    "romance": "romanti*, verliebt*, liebe, lieben, liebevoll verliebt, leidenschaft*, kuss*, küss*, ich "
    "liebe dich, zärtlich*, sinnlich*, schmetterlinge im bauch, flirt*, date, valentin*, "
    "beziehung, paar, geliebt*, liebesfilm*, sehnsucht nach dir",
    "tenderness": "zärtlich*, liebevoll*, warmherzig*, herzlich*, rührend*, gerührt*, süß, süss, niedlich*, "
    "mitgefühl*, umarm*, fürsorg*, einfühlsam*, herzerwärmend*",
    "amusement": "lustig*, witzig*, witz*, lach*, lachen, komisch*, komödie*, humor*, spaß*, spass*, "
    "amüs*, urkomisch*, albern*, verspielt*, scherz*, zum totlachen, ulkig*, heiterkeit",
    "amusement!": "bring mich zum lachen, will lachen, möchte lachen, was zum lachen, etwas zum lachen",
    "motivation": "motivier*, motivation*, inspirier*, inspiration*, entschlossen*, ehrgeiz*, zielstrebig*, "
    "antrieb*, tatkr*, produktiv*, fokussiert*, konzentriert*, stark, stärke, kraft, "
    "kraftvoll*, durchhalt*, erfolg*, siegen, mutig*, mut, anspornen, ansporn, leistungs*, "
    "durchstarten, ausdauer*",
    "motivation!": "motivier mich, motiviere mich, inspiriere mich, sporn mich an",
    "nostalgia": "nostalg*, erinner*, kindheit*, alte zeiten, gute alte zeit, damals, früher, "
    "sentimental*, wehmut*, wehmüt*, vergangen*, 80er, 90er, retro, sehns*",
    "pride": "stolz*, selbstbewusst*, selbstsicher*, siegreich*, triumph*, zuversichtlich und stolz, selbstvertrauen",
    "gratitude": "dankbar*, dank, danke, gesegnet*",
    "hope": "hoffnung, hoffnungsvoll*, hoff*, zuversicht*",
    "curiosity": "neugier*, interess*, faszin*, wissensdurst*, lernen",
    "surprise": "überrasch*, erstaun*, schockiert*, verblüfft*, baff, sprachlos",
    "awe": "staunen*, bewunder*, ehrfurcht*, wunderbar*, wundervoll*, magisch*, zauberhaft*, "
    "atemberaubend*, beeindruck*",
    "disgust": "ekel*, eklig*, angewidert*, widerlich*, abscheu*, übel",
    "shame": "scham*, schäm*, schuld*, peinlich*, verlegen*, schüchtern*, reue*, gedemütigt*",
    "confusion": "verwirr*, ratlos*, unsicher*, verunsicher*, durcheinander, orientierungslos*, zweifel*, "
    "zwiegespalten*",
    "tiredness": "müde, müdigkeit, todmüde, erschöpf*, kaputt, ausgelaugt*, schläfrig*, übermüdet*, "
    "schlapp, fix und fertig",
    "mystery": "geheimnis*, rätselhaft*, mysteri*, nervenkitzel*",
    "envy": "neid*, eifersucht*, eifersüchtig*",
    "thought": "nachdenklich*, nachdenken, ernst*, besinnung, tiefgründig*, philosoph*, grübel*",
    "togetherness": "freunde, freundschaft*, freundlich*, familie*, gemeinsam*, zusammen, gesellschaft, "
    "gesellig*, verbunden*",
    "trust": "sicher, sicherheit, vertrau*, beschützt*, behütet*",
}
