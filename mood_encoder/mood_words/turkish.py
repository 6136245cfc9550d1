"""Turkish words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "mutlu*, neşe*, sevinç*, sevin*, keyif*, keyfi*, memnun*, güler yüz*, gülümse*, iyi "
    "hisse*, iyiyim, iyimser*, pozitif*, iyi, harika, şenlikli, hoş",
    "joy!": "neşelendir*, beni neşelendir, moralimi düzelt, keyfimi yerine getir, moral ver, beni mutlu et, gülümset*",
    "sadness": "üzgün*, üzül*, üzüntü*, hüzün*, hüzünlü*, mutsuz*, kederli*, keder*, depres*, ağla*, "
    "ağlamak, gözyaş*, kırık kalp, kalbi kırık, kalbim kırık, moralim bozuk, moralsiz*, "
    "umutsuz*, acı, acı çek*, melankol*, efkarlı*, dertli*, dert*, çökmüş*, bunalım*, yas, "
    "hayal kırıklığı, kötü, kötüyüm, kasvetli*, bedbaht*",
    "calm": "sakin*, huzur*, dingin*, rahat*, rahatla*, gevşe*, sessiz*, barış*, dinlen*, uyku, "
    "uyumak, uyut*, meditasyon, sükunet*, huzurlu*, ferah*, yavaş, sıcacık",
    "calm!": "beni sakinleştir, sakinleştir*, rahatlat*, beni rahatlat, uyumama yardım et",
    "excitement": "heyecan*, coşku*, coşkulu*, enerji*, enerjik*, hareketli*, parti, "
    "partisi, partiye, eğlenceye, dans*, "
    "macera*, adrenalin*, sabırsız*, çılgın*, kutlama*, hevesli*, heves*, canlı*, coşmak, "
    "coştum, coşturan",
    "anger": "kızgın*, öfke*, öfkeli*, sinir*, sinirli*, kızdı*, kızmış*, hiddet*, rahatsız*, bıktım, "
    "bıkkın*, nefret*, küskün*, gıcık*, çileden, hırçın*",
    "fear": "kork*, korku*, korkunç*, ürkütücü*, ürk*, ürkek*, dehşet*, tüyler ürpert*, ürpert*, "
    "panik*, hayalet*, kabus*, gerilim*, cin, cinli, tedirgin edici",
    "fear!": "korkut beni, beni korkut",
    "stress": "stres*, gergin*, kaygı*, kaygılı*, endişe*, endişeli*, bunalmış*, bunal*, baskı*, "
    "tedirgin*, huzursuz*, telaş*, yoğun iş, tasalı*, panik atak, strese, dram*",
    "loneliness": "yalnız*, yalnızlık*, tek başıma, tek başına, kimsesiz*, arkadaşım yok, terk edil*, "
    "izole*, dışlanmış*, seni özledim, özledim seni, kimse beni",
    "boredom": "sıkıl*, sıkılmış*, sıkıcı*, sıkıntı*, can sıkıntısı, canım sıkılıyor, canım sıkıldı, "
    "canı sıkkın, monoton*, yapacak bir şey yok, vakit öldür*, bıkkınlık, tekdüze*, bezgin*",
    "romance": "romant*, romans*, aşk, aşkım, aşkı, aşka, aşık*, aşığım, sevgili*, sevda*, tutku*, tutkulu*, "
    "öpücük*, öpmek, öpüş*, seni seviyorum, seviyorum, sevgi*, flört*, evlilik, düğün, "
    "sevgililer günü, randevu, cilveli",
    "tenderness": "şefkat*, şefkatli*, sevecen*, nazik*, merhamet*, sıcak, duygulan*, duygusal*, tatlı*, "
    "sevimli*, şirin*, sarıl*, içten*, yumuşak*",
    "amusement": "komik*, eğlen*, eğlenceli*, gülmek, gülünç*, güldür*, gülü*, kahkaha*, şaka*, espri*, "
    "esprili*, mizah*, komedi*, matrak*, haha*, gırgır, neşeli şakalar",
    "amusement!": "güldür beni, beni güldür, gülmek istiyorum, eğlendir beni",
    "motivation": "motiv*, motivasyon*, motive, ilham*, ilham verici, kararlı*, azim*, azimli*, hırs*, "
    "hırslı*, çalışkan*, odaklan*, üretken*, güç*, güçlü*, başarı*, cesaret*, cesur*, cesur, "
    "kazan*, gayret*, mücadele*, teşvik*, disiplin*",
    "motivation!": "beni motive et, motive et beni, ilham ver, bana güç ver",
    "nostalgia": "nostalj*, anılar*, anılarım, hatıra*, çocukluk*, çocukluğ*, eski günler*, geçmiş*, "
    "eskiden, eski zamanlar*, özlem*, özlüyorum, özle*, retro, mazi*",
    "pride": "gurur*, gururlu*, özgüven*, kendinden emin, zafer*, onur*",
    "gratitude": "minnet*, minnettar*, şükür*, teşekkür*, şükran*",
    "hope": "umut*, ümit*",
    "curiosity": "merak*, meraklı*, ilginç*, ilgi*, büyüleyici*",
    "surprise": "şaşkın*, şaşır*, sürpriz*, şok*, hayret*",
    "awe": "hayran*, hayranlık*, muhteşem*, büyülü*, mucize*, etkileyici*, güzel*",
    "disgust": "iğren*, tiksin*, mide bulandır*",
    "shame": "utan*, utangaç*, mahcup*, suçlu*, pişman*, rezil*",
    "confusion": "kafam karışık, kafa karış*, karışık, kararsız*, şaşkınlık içinde, şüphe*",
    "tiredness": "yorgun*, yorul*, bitkin*, halsiz*, uykum var, uykulu*, tükenmiş*",
    "mystery": "gizem*, gizemli*, esrareng*",
    "envy": "kıskan*, kıskanç*, haset*, imren*",
    "thought": "düşünceli*, düşündür*, ciddi*, derin*, tefekkür*, felsef*",
    "togetherness": "arkadaş*, dost*, aile*, birlikte, beraber*",
    "trust": "güven*, güvende*, emniyet*",
}
