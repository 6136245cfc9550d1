"""Indonesian words and phrases of moods; the form is that of mood_words/english.py."""

WORDS: dict[str, str] = {
    "joy": "senang*, bahagia*, gembira*, ceria*, riang*, sukacita, suka cita, girang*, suasana hati "
    "baik, baik, senyum*, tersenyum, optimis*, positif*, puas*, mood bagus, asyik, "
    "menyenangkan, kebahagiaan, kegembiraan, bungah",
    "joy!": "hibur aku, hibur saya, semangati hariku, buat aku tersenyum, buat aku bahagia, bikin aku "
    "senang, ceriakan hariku",
    "sadness": "sedih*, bersedih, kesedihan, menyedihkan, galau*, murung*, depresi*, menangis, nangis, "
    "tangis*, air mata, patah hati, duka*, berduka, kecewa*, putus asa, pilu*, sengsara, "
    "terpuruk, merana, sakit hati, hampa, nestapa, menderita, muram",
    "calm": "tenang*, menenangkan, ketenangan, santai*, rileks*, relaks*, damai*, kedamaian, adem, "
    "nyaman, istirahat*, tenteram, tentram, hening, sunyi tenang, tidur, sejuk, teduh, "
    "meditasi, selow, kalem",
    "calm!": "tenangkan aku, tenangkan saya, bantu aku tidur, bantu aku rileks, mau tidur",
    "excitement": "bersemangat, semangat*, antusias*, heboh*, seru, serunya, menggairahkan, berenergi, "
    "energik, energi, pesta*, menari, joget, petualang*, tidak sabar, nggak sabar, bergairah, "
    "adrenalin, menegangkan seru, gembira sekali, mendebarkan",
    "anger": "marah*, kemarahan, kesal*, jengkel*, geram*, emosi, benci*, kebencian, murka, frustrasi, "
    "frustasi, sebal*, dongkol, sewot, gusar, ngamuk, mengamuk",
    "fear": "takut*, ketakutan, menakutkan, seram*, menyeramkan, ngeri*, mengerikan, horor*, hantu*, "
    "panik*, mencekam, angker, teror*, merinding, mimpi buruk, cemas takut, gentar, setan",
    "fear!": "takuti aku, takut takuti aku, buat aku takut",
    "stress": "stres*, stress*, gugup*, cemas*, kecemasan, khawatir*, gelisah*, tegang*, ketegangan, "
    "tertekan, tekanan, panik kerja, kewalahan, resah*, was was, pusing kerja, beban, kalut, "
    "deg degan, drama*",
    "loneliness": "kesepian, sepi*, sendiri*, sendirian, kesendirian, terasing, terisolasi, tidak punya "
    "teman, ga punya teman, gak punya teman, jomblo, rindu kamu, kangen kamu, ditinggalkan, "
    "terlantar, sebatang kara",
    "boredom": "bosan*, membosankan, kebosanan, jenuh*, suntuk*, gabut*, tidak ada kerjaan, ga ada "
    "kerjaan, monoton, jemu, isi waktu, mengisi waktu, hambar",
    "romance": "romantis*, romansa, cinta*, percintaan, jatuh cinta, kasmaran, sayang*, mesra*, pacar*, "
    "kencan, ciuman, cium*, asmara, gairah cinta, kekasih, mencintai, bucin, pernikahan, "
    "baper",
    "tenderness": "lembut*, kelembutan, hangat*, penyayang, kasih, belas kasih, kasih sayang, mengharukan, "
    "terharu, haru*, imut*, menggemaskan, peluk*, peduli, baik hati",
    "amusement": "lucu*, kocak*, jenaka, lawak*, tertawa, tawa, ketawa, ngakak, humor*, komedi*, "
    "menghibur, canda*, bercanda, gokil, konyol*, wkwk*, geli, hiburan",
    "amusement!": "buat aku tertawa, buat saya tertawa, bikin ketawa, bikin aku tertawa, bikin aku ketawa, "
    "mau ketawa, ingin tertawa",
    "motivation": "termotivasi, motivasi*, memotivasi, inspirasi*, terinspirasi, menginspirasi, bertekad, "
    "tekad*, ambisi*, ambisius, gigih*, kerja keras, fokus*, produktif*, kuat, kekuatan, "
    "sukses*, pantang menyerah, berani*, keberanian, juang, perjuangan, berjuang, pencapaian, "
    "disiplin, giat",
    "motivation!": "motivasi aku, beri aku semangat, semangati aku, kasih semangat, inspirasi aku",
    "nostalgia": "nostalgia*, kenangan*, mengenang, kenang*, masa lalu, masa kecil, zaman dulu, jaman "
    "dulu, jadul*, tempo dulu, rindu*, kangen*, kerinduan, retro, sentimental",
    "pride": "bangga*, kebanggaan, percaya diri, menang*, kemenangan, jaya",
    "gratitude": "bersyukur, syukur*, terima kasih, berterima kasih",
    "hope": "harapan*, berharap, penuh harap, harap*",
    "curiosity": "penasaran*, ingin tahu, tertarik, menarik, rasa ingin tahu",
    "surprise": "terkejut, kaget*, mengejutkan, kejutan, tercengang, syok",
    "awe": "kagum*, takjub*, menakjubkan, terpesona, indah*, ajaib*, luar biasa",
    "disgust": "jijik*, menjijikkan, muak*, mual*",
    "shame": "malu*, memalukan, bersalah, menyesal, penyesalan, rasa bersalah, canggung, minder",
    "confusion": "bingung*, kebingungan, ragu*, bimbang",
    "tiredness": "lelah*, kelelahan, capek*, capai, letih*, ngantuk*, mengantuk, penat*",
    "mystery": "misteri*, misterius, rahasia",
    "envy": "iri hati, cemburu*, dengki",
    "thought": "merenung, renung*, serius*, perenungan, filosofis, mendalam",
    "togetherness": "teman*, sahabat*, persahabatan, keluarga*, bersama*, kebersamaan, akrab",
    "trust": "aman, keamanan, percaya*, terlindungi",
}
