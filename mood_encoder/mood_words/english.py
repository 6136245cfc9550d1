"""English words and phrases of moods.

A family, or several joined by "+", leads to words and phrases separated by commas. A word that ends in "*" stands for
all that begin so. "!" at the end of a family marks phrases that ask for a mood rather than tell one's own.
"""

WORDS: dict[str, str] = {
    "joy": "happ*, joy*, cheer*, glad*, delight*, merr*, jolly, jovial*, jubilan*, bliss*, elat*, "
    "euphor*, upbeat, uplift*, sunny, bright, smil*, good mood, great mood, best mood, good "
    "vibe*, positiv*, good time, great day, good day, wonderful, feel good, feeling good, "
    "feel great, feeling great, pleasant*, pleasing, pleased, pleasure*, enjoy*, content, "
    "contented*, rejoic*, exuberan*, buoyan*, radian*, overjoyed, over the moon, on top of "
    "the world, cloud nine, on cloud 9, life is good, light*hearted*, carefree, optimis*, "
    "beaming, grinning, grin, gleeful*, glee, fun, great, good, awesome, fantastic, amazing, "
    "okay, ok, nice, lovely, rosy, blithe*, gaiety, mirth*, felicit*, well being, wellbeing, "
    "satisf*, fulfil*, vibrant, vibrancy, lively, feel better, be happy, happy go lucky, good "
    "spirits, high spirits, ray of sunshine, sunshine, delicious, sweet, innocent, birthday, "
    "perfect, precious",
    "joy!": "cheer up, cheer me up, cheer us up, cheering up, lift my spirits, lift my mood, lift me "
    "up, brighten my day, brighten up, make my day, turn my frown, upside down, pick me up, "
    "put me in a good mood, boost my mood, put a smile",
    "sadness": "sad, sadd*, sadly, sadness, unhapp*, depress*, gloom*, melanchol*, sorrow*, grief, "
    "griev*, mourn*, heartbr*, heart broken, broken heart, cry, cries, cried, crying, tear, "
    "tears, tearful*, tearjerker, weep*, wept, sob, sobb*, blue, the blues, feeling blue, "
    "feel down, feeling down, feeling low, feel low, down in the dumps, miserabl*, misery, "
    "despair*, despondent*, hopeless*, hurt, hurting, pain, painful, anguish*, agony, tragic, "
    "tragedy, somber, sombre, dismal, bleak, dejected, downcast, disheart*, discourag*, "
    "disappoint*, devastat*, woe, woeful, mope, moping, lament*, regret*, rueful, wistful*, "
    "bittersweet, broken, empty inside, feel empty, emptiness, numb, upset, break up, "
    "breakup, broke up, dumped, divorce*, lost someone, loss, bereave*, suffer*, bad day, "
    "rough day, hard day, awful, terrible, down, crushed, crestfallen, forlorn, desolate, "
    "desolation, pessimis*, dreary, dark, darkness, doom*, downer, worthless, bad, bad mood, "
    "pity, plead*, pleading, sentimental tears, need a hug, grave, hard time, hard times, "
    "sulk*, teary, bawl*, bawling, heavy hearted, heavy heart, heartache, aching, blah",
    "sadness!": "good cry, cry it out, cry my eyes out, ugly cry",
    "calm": "calm*, relax*, peace*, seren*, tranquil*, quiet*, stillness, sooth*, chill*, unwind*, "
    "mellow, gentle, gently, soft, softness, cozy, cosy, coziness, cosiness, comfort*, "
    "restful, need rest, some rest, resting, at ease, ease, eased, easygoing, easy going, "
    "laid back, meditat*, mindful*, zen, breath*, slow*, lazy, balance*, harmon*, placid*, "
    "composed, composure, collected, untroubled, unhurried, leisure*, contentment, hushed, "
    "hush, lull*, silence, silent, lo fi, lofi, ambient, spa, bath, yoga, sleep*, asleep, "
    "fall asleep, bedtime, before bed, lullab*, nap, napping, decompress*, destress, de "
    "stress, wind down, winding down, kick back, downtime, me time, snug, warm blanket, rain "
    "sounds, ocean, beach, sea, nature sounds, simplicity, ease my mind, clear my head, clear "
    "my mind, settle down, settled, steady, patien*, equanimit*, relie*, tea, forest, "
    "healing, heal, cool down, autumn leaves, dreamy, hygge",
    "calm!": "calm me down, calm down, calm me, relax me, help me relax, help me unwind, help me "
    "sleep, put me to sleep, chill out, take it easy, slow down, wind me down, soothe me, "
    "stop worrying, take my mind off, settle my nerves",
    "excitement": "excit*, thrill*, hype*, hyped, pumped, pump*, energ*, energetic, energy, ecsta*, "
    "exhilarat*, adrenaline, electrif*, electric, stoked, psyched, eager*, can t wait, cannot "
    "wait, cant wait, looking forward, fired up, fire, lit, wild, adventur*, action*, "
    "intense, intensity, rush, buzz, buzzing, party, partying, parties, celebrat*, festiv*, "
    "festival, danc*, rave, epic, explosive, enthusias*, zest*, zeal*, bold, daring, dare, "
    "dynamic, fast paced, upbeat music, hyper, giddy, alive, vigor*, vigour*, vivac*, "
    "spirited, spontan*, crazy, extreme, turbo, pounding, heart racing, momentum, frenz*, "
    "fervor, fervour, animated, awake, ready to go, let s go, lets go, woohoo, yay, yeah, "
    "hooray, hurray, rock music, roller coaster, rollercoaster, stimulat*, invigorat*, "
    "restless energy, spectacle, carnival, game, games, gaming",
    "excitement!": "wake me up, pump me up, hype me up, get me going, get the party, turn it up, give me "
    "energy, liven up, liven me up, spice up, spice things up, energize me, energise me, "
    "entertain me, surprise me, get me hyped, get me excited, give me a thrill",
    "anger": "anger*, angry, angrily, angrier, mad, furious*, fury, rage, raging, enrag*, outrag*, "
    "irrit*, annoy*, frustrat*, pissed*, hostil*, hate*, hatred, hating, resent*, bitter, "
    "bitterness, aggress*, livid, irate, indignant*, indignation, wrath, infuriat*, "
    "exasperat*, grump*, cranky, cross, fuming, seething, boiling, vengeful, revenge, "
    "vengeance, rebel*, defian*, violen*, fight, fighting, fierce, hostile, ragequit, fed up, "
    "disapprov*, contempt*, scorn*, spite*, grouch*, moody, temper, salty, furor, steaming, "
    "swear*, refus*",
    "fear": "scared, scare*, scary, scaring, fear*, afraid, frigh*, terrif*, terror*, horr*, spook*, "
    "creep*, eerie, eerily, haunt*, ghost*, panic*, petrif*, phobia*, alarm*, dread*, menac*, "
    "sinister, ominous, macabre, nightmar*, monster*, zombie*, vampire*, demon*, devil*, "
    "paranormal, supernatural, slasher, gore, gory, bloody, blood, jump scare*, jumpscare*, "
    "goosebump*, goose bumps, bone chilling, spine chilling, spine tingling, chills down, "
    "hair raising, blood curdling, halloween, witch*, evil, danger*, threat*, timid*, "
    "trembl*, shiver*, shudder*, unsettl*, uncann*, disturb*, skull, coffin, knife, thriller, "
    "grim, grisly, foreboding, unnerv*, unease, uneas*, morbid, ghoul*, peril*, spider*, bat, "
    "bats, snake*, death, dead, deadly, clown*, killer*, serial killer, true crime, haunted "
    "house, scream*, trepidation, freaked out, freaky",
    "fear!": "scare me, frighten me, creep me out, freak me out, give me goosebumps, give me chills, "
    "give me nightmares",
    "stress": "stress*, anxi*, nervous*, worr*, overwhelm*, tens*, tension*, pressur*, burn* out, "
    "burnout, burned out, burnt out, frazzled, frantic*, agitat*, restless*, on edge, edgy, "
    "jitter*, jittery, uptight, overwork*, overload*, deadline*, too much to do, too much on "
    "my plate, so much to do, exam, exams, hectic, chaos, chaotic, strain*, distress*, "
    "troubl*, apprehens*, urgen*, swamped, panick*, panic attack, overthink*, racing "
    "thoughts, mind is racing, can t sleep, can t relax, drama*, conflict*, turmoil, unrest, "
    "insecur*, concern*, impatien*, harried, pressed, desperat*, fidget*, snowed under, "
    "stretched thin, losing my mind, at my limit, cracking, rush hour, in a hurry, "
    "butterflies, fret*, unease, weary mind, taut",
    "loneliness": "lone, lonel*, loner, lonesome, alone, isolat*, solitar*, solitude, friendless, no "
    "friends, no friend, abandon*, left out, excluded, rejected, rejection, unloved, "
    "unwanted, forgotten, neglect*, estrang*, alienat*, nobody to talk to, no one to talk to, "
    "nobody cares, no one cares, nobody understands, no one understands, nobody loves me, no "
    "one loves me, by myself, on my own, all by myself, home alone, miss someone, missing "
    "someone, missing you, miss you, missing him, missing her, missing my friends, miss my "
    "friends, homesick*, need company, need someone, need a friend, disconnect*, outcast, "
    "invisible, single and, ignored, deserted, unseen, separat*, detach*, distance, need "
    "somebody, remote, apart, outsider, aloof, withdrawn, longing for company",
    "boredom": "bore, bores, bored, boring, boredom, dull*, tedious*, tedium, monoton*, nothing to do, "
    "kill* time, kill time, pass the time, passing time, uninterest*, disinterest*, "
    "indifferen*, apath*, meh, listless*, idle, idling, idleness, uneventful, mundane, "
    "repetitive, unamused, unimpressed, unmotivat*, bland, lifeless, blasé, blase, jaded, "
    "ennui, stagnant, stagnation, sluggish, tiresome, drab, humdrum, stale, waiting, "
    "aimless*, unengag*, lethargic boredom, insipid, wearisome, detached boredom, stuck at "
    "home, same old, killing hours, snooze, yawn*, vacant, weariness, routine, passive, "
    "passing the time",
    "romance": "romantic*, romance*, love, loves, loved, loving, lover*, lovestruck, lovesick, in love, "
    "falling in love, amorous, passion*, affection*, intima*, kiss*, date night, first date, "
    "dating, valentine*, crush, flirt*, sweetheart, soulmate*, soul mate, girlfriend, "
    "boyfriend, wedding*, marriage, married, marry, couple*, honeymoon, desire*, devot*, "
    "ador*, infatuat*, enamor*, sensual*, sexy, seduc*, enchant*, yearn*, candlelit, "
    "candlelight, my wife, my husband, smitten, heart eyes, butterflies in my stomach, "
    "engaged, engagement, bride, groom, embrace, longing for you, tender love, courtship, "
    "cuddle*, cuddl*",
    "tenderness": "tender*, warm*, kind, kindness, caring, compass*, empath*, heartwarm*, heart warming, "
    "heartfelt, wholesome, sweetness, cute*, adorabl*, baby, babies, puppy, puppies, kitten*, "
    "hug, hugs, hugging, touching, touched, moving, sympath*, nurtur*, gentleness, fond*, "
    "benevol*, generous*, generosity, mercy, forgiv*, sensitiv*, endear*, motherly, care for, "
    "soft hearted, charm*, humble, humility, vulnerab*, pet, pets",
    "amusement": "funn*, laugh*, hilari*, comed*, comic*, joke*, joking, jokes, humor*, humour*, silly, "
    "silliness, goofy, wit, witty, wittiness, playful*, amus*, lol, lmao, rofl, haha*, hehe*, "
    "giggl*, chuckl*, crack me up, prank*, meme*, stand up, standup, sketch, parody, satir*, "
    "banter, absurd*, ridicul*, whimsic*, quirky, tickle*, entertain*, cheeky, mischiev*, "
    "roast, sarcas*, ironic*, irony, slapstick, blooper*, fails, light hearted, lighthearted, "
    "levity, droll, zany, jest*, frivol*, farc*, smirk*, wink, teas*, nonsense, clownish, "
    "wisecrack*, fool*, tongue in cheek",
    "amusement!": "make me laugh, make us laugh, a good laugh, need a laugh, use a laugh, have a laugh",
    "motivation": "motivat*, inspir*, determin*, ambiti*, driven, drive, focus*, productiv*, disciplin*, "
    "persever*, persist*, resilien*, grit, hustle*, grind, work hard, working hard, hard "
    "work, hardworking, get things done, goal*, achiev*, success*, succeed, win, winning, "
    "winner, gym, workout, work out, training, train hard, strong, strength, strengthen, "
    "power*, empower*, encourag*, unstoppable, never give up, don t give up, keep going, push "
    "through, push me, conquer*, challenge*, courage*, brave*, bravery, dedicat*, commit*, "
    "purpose*, resol*, willpower, tenac*, striv*, aspir*, initiative, industrious, improv*, "
    "self improvement, diligen*, effort*, drive forward, hardcore training, ready to work, "
    "ready to start, champion*, mission, hero*, running, lift, vision, growth, endur*, "
    "endurance, fortitude, stamina, boost, accomplish*, overcom*, progress, study*, studying, "
    "get to work, get up and",
    "motivation!": "motivate me, inspire me, push me to, get me motivated, give me motivation, give me "
    "strength, encourage me",
    "nostalgia": "nostalg*, sentimental*, reminisc*, memor*, remember*, remembrance, the past, old days, "
    "good old days, old times, good old times, childhood, retro, vintage, throwback*, throw "
    "back, old school, when i was young, when i was a kid, when i was little, when we were, "
    "back in the day, back then, old songs, old movies, old film*, old photos, wistfulness, "
    "yesteryear, way back, homesickness, bygone, oldies, high school days, school days, the "
    "80s, the 90s, 80s, 90s, eighties, nineties, time flies, longing, heritage, grandma, "
    "grandpa, my youth, youth, flashback*, recollect*, used to be, years ago, once upon, "
    "classic, classics, old fashioned, tradition*, ancestr*, hindsight, antique*, olden, "
    "farewell",
    "pride": "cool, proud*, pride, confiden*, triumph*, victor*, glory, glorious, self assured, assured, "
    "assertive, self confiden*, accomplished, badass, dignity, honor*, honour*, swag, "
    "smug, royal, king, queen, self respect, self esteem, poise, superior*, majest*, "
    "prestige, cocky, sassy, rich, luxury, elegan*, medal",
    "gratitude": "grateful*, gratitude, thank*, thankful*, bless*, appreciat*, indebted, lucky, fortunate",
    "hope": "hope, hopeful*, hopes, hoping, wish, faith, looking up, believe, belief, new beginning*, "
    "fresh start, sunrise, dawn, renewal, promising, promise, better days, encouraging, light "
    "at the end, reassur*, rebirth, spring, redemption, possibil*",
    "curiosity": "curio*, interest*, fascinat*, intrigu*, wonder, wondering, explor*, discover*, learn*, "
    "educat*, inquisit*, thought provoking, documentary, science, knowledge, teach me, tell "
    "me something, smart, captivat*, engross*, absorb*, engag*, creative, creativ*, imagin*, "
    "ingenu*, investigat*, tinkering, facts",
    "surprise": "surpris*, shock*, astonish*, startl*, unexpected*, stun*, stunned, speechless, wow, omg, "
    "jaw drop*, mind blow*, mind blown, disbelief, bewilder*, plot twist, twist, amazement, "
    "sudden, unbeliev*",
    "awe": "awe, awestruck, awesome view, amazed, wonder*, breathtaking, breath taking, majestic, "
    "magic*, mesmer*, sublime, spectacular, marvel*, stunning, beautiful, beauty, reveren*, "
    "transcend*, grandeur, epic view, cosmic, universe, stars, spiritual*, sacred, divine, "
    "admir*, aesthetic*, enlighten*, vast, vastness, profound, inspiration from nature, "
    "respect, dazzl*, spellbound",
    "disgust": "disgust*, gross, revolt*, repuls*, nause*, vomit*, yuck*, eww, ew, sickening, filthy, "
    "nasty, icky, repugn*, loath*, distast*, vile, foul, avers*, sick to my stomach, queasy",
    "shame": "asham*, shame*, guilt*, embarrass*, humiliat*, awkward*, remorse*, mortif*, self "
    "conscious, shy*, cringe*, cringy, inadequa*, insecure, low self esteem, sorry, blush*, "
    "inferior*, regretful, bashful, failure, loser",
    "confusion": "confus*, puzzl*, perplex*, baffl*, lost, uncertain*, unsure, doubt*, disorient*, "
    "dilemma, hesita*, skeptic*, sceptic*, don t know what, no idea, ambivalen*, ambigu*, "
    "mixed feelings, weird, strange, torn, indecisi*, suspicio*, dizzy",
    "tiredness": "tired*, exhaust*, fatigue*, drained, worn out, weary, drowsy, wiped out, knackered, "
    "lethargic, lethargy, no energy, need sleep, long day, pooped, jet lag*, groggy, worn "
    "down, overtired, half asleep, spent, bushed, depleted, so sleepy, hungover",
    "mystery": "myster*, suspens*, enigma*, secre*, detective, whodunit, noir, cryptic, surreal, occult, "
    "unknown, obscure, shadow*, fog, foggy, hidden, ethereal, otherworld*, strangeness, "
    "hypnotic, arcane",
    "envy": "envy, envi*, jealous*, covet*, fomo, possessive*, greed*, rivalry",
    "thought": "thought*, contemplat*, reflect*, pensive*, introspect*, philosoph*, serious*, ponder*, "
    "muse, musing, meaning*, meaningful, solemn*, wise, wisdom, intellectual*, rational, "
    "existential, earnest*, gravity, insight*, sober*, brood*, self reflection, deep talk, "
    "stoic*, analytic*, analysis, consider*, deliberat*, ruminat*, quiet thought, sincer*, "
    "honest*, authentic*",
    "togetherness": "friend*, friends, friendship*, together*, family, families, company, companion*, "
    "belong*, community, connect*, reunion, reunite*, team, unity, social*, solidar*, bond, "
    "bonding, camaraderie, inclusive*, hang out, hanging out, people around, welcoming, "
    "hospitab*, neighbo*, sister*, brother*, cooperat*, kinship, collective, support, "
    "supportive, sharing",
    "trust": "safe, safety, safely, secure, security, trust*, protect*, loyal*, reliable, home, at "
    "home, cared for, dependab*, sheltered, stability, stable, certain*, assurance, "
    "faithful*, integrity, accept*, loyalty, supported, guarded, shelter",
    "stress+tiredness": "exhausted and, too much work, long hours, overworked, no sleep, insomnia, sleepless*, "
    "exhausting, burn out, too busy, busy, exhausted, work stress",
    "sadness+fear": "gloomy dark, doom and gloom, darkness inside, horror and grief, haunted by",
    "anger+stress": "ugh, argh, grr, frustrated, frustration, frustrating, irritated, annoyed, "
    "on my nerves, aggravat*, "
    "bothered, stuck in traffic, argument, argued, quarrel*, irritating",
    "hope+curiosity+excitement": "anticipat*, expectan*, looking ahead",
    "tiredness+calm": "sleepy, sleepiness, drowsy and calm",
    "disgust+tiredness": "sick, feeling sick, feel sick, unwell",
    "anger+fear": "violent, violence, bloodshed, brutal*, cruel*",
    "disgust+anger": "disapproving, refusing, refuse, reject it, disapproval",
    "excitement+joy": "party, celebration, celebrate, celebrating, celebratory, festive, festival, birthday "
    "party, weekend, friday night, fun night, night out, holiday, vacation, fun, fun time, "
    "rainbow, joyride, cheering, new year, music, singing, sing along, feel good music, pop, "
    "dancing, dance, christmas, fireworks, prom, confetti, playful energy, bubbly, exultant, "
    "exultation, exulta*, revel*, jubilation",
    "calm+joy": "sunset, beach day, summer, picnic, vacation vibes, island, palm, blissful, flowers, "
    "garden, park, gentle joy, serene joy, content, contentment, feel at peace, happy place, "
    "relaxed and happy, carefree, breezy, sunday morning, sundays, good coffee",
    "calm+nostalgia": "autumn, rainy day, fireplace, old books, autumn leaf, fall leaves, vinyl",
    "calm+trust": "cozy, cosy, coziness, cosiness, snug, blanket, coffee, hot chocolate, at home, safe and "
    "sound, reassuring, comforting, comfort, hot tea, comfy",
    "nostalgia+loneliness": "i miss home, miss home, miss my ex, miss the old, homesick, longing, yearning, miss my "
    "family, miss those",
    "fear+stress": "panicky, panicking, paranoi*, freaking out, freak out, scared of the future, worried "
    "sick, nervous wreck, emergency, alert, suspense and, danger",
    "fear+surprise": "shocking, shocked",
    "sadness+loneliness": "unloved, abandoned, forsaken, forlorn, miss my mom, miss my dad, lonely and sad",
    "sadness+tiredness": "burned out and sad, drained and, hopeless, helpless*, giving up, give up, can t go on",
    "joy+gratitude": "blessed, so lucky, thankful and happy",
    "joy+tenderness": "heartwarming, heart warming, wholesome, feel good story, sweet, touching, cute animals, "
    "cute, cuddly, dog, dogs, cat, cats",
    "amusement+joy": "silly fun, light, feel good comedy, good fun, goofing, goof, comic relief, something "
    "light, keep it light, lightness, playfulness, playful",
    "romance+tenderness": "xoxo, sweet love, affectionate, affection, hugs and kisses, cuddling, cuddles, endearment, "
    "tender kiss, tenderness, adoration, devotion",
    "romance+excitement": "passionate, passion, hot, steamy, sexy, flirty, spicy, desire, burning",
    "romance+nostalgia": "first love, my ex, old love",
    "motivation+excitement": "fired up, ready to go, unstoppable, powerful, full of drive, go getter, energizing, "
    "sports, sport, pumped for, game day, power, rocket, zeal",
    "motivation+pride": "winning, victory, triumphant, champion, success, successful, accomplished, trophy, first "
    "place, confident, confidence, self belief, conquering, medal, courage, bravery",
    "motivation+hope": "inspiration, inspirational, inspiring, inspired, encouraging, encouragement, uplifting "
    "story, new beginning, fresh start, dream big, aspiration, light bulb, perseverance, "
    "believe in myself",
    "mystery+fear": "suspenseful, thriller, eerie, eeriness, uncanny, dark and mysterious, foreboding, occult, gothic",
    "awe+calm": "stargazing, night sky, starry, northern lights, dreamlike, dreams, dream, floating, "
    "mountain, mountains, magical, universe, moon, nature, landscape*",
    "curiosity+excitement": "adventure, adventurous, wanderlust, travel*, explore, exploring, exploration, discovery, "
    "trip, journey, road trip",
    "thought+calm": "reflective, contemplative, contemplation, meditative, introspective, journaling, quiet "
    "contemplation, mindfulness, meditation",
    "thought+sadness": "heavy, wistful, pensive, brooding, melancholy, melancholic, bittersweet, poignan*",
    "trust+togetherness": "supported, belonging, loyal, friendly, reassured, comrade*",
    "anger+disgust": "contempt, contemptuous, toxic, cynical, cynicism, bitter",
    "confusion+stress": "lost in life, what to do with my life, don t know what to do, mixed up, disoriented, "
    "conflicted, torn, scattered",
    "surprise+awe": "amazed, amazing, amazement, astonished, astonishment, wow, mind blown, mind blowing, "
    "unbelievable, incredible",
    "hope+trust": "faith, reassuring, believing, prayer, praying, pray",
    "boredom+tiredness": "lethargic, unmotivated, listless, listlessness, weary, weariness, lazy, laziness, "
    "sluggish, can t be bothered, couldn t care less",
}

NOT_MOODS = (
    "table, chair, window, door, invoice, number, tuesday, monday, january, street, city, london, paris, "
    "berlin, tokyo, john, maria, peter, smith, ahmed, wang, kumar, garcia, muller, computer, keyboard, "
    "server, database, kubernetes, python, java, linux, software, install, download, password, email, "
    "telephone, phone number, address, zip code, price, dollar, euro, bank, tax, insurance, contract, "
    "meeting, report, spreadsheet, document, file, folder, http, https, www, com, html, json, sql, select "
    "from, where, insert into, the, a, an, and, of, for, with, is, it, this, that, video, videos, "
    "something, anything, post, posts, feed, app, one, two, three, hundred, thousand, million, kilometre, "
    "metre, kilogram, percent, minus, plus, equals, triangle, circle, square, algebra, geometry, "
    "chemistry, molecule, oxygen, carbon, iron, copper, plastic, paper, wood, brick, concrete, cement, "
    "pipe, screw, nail, hammer, drill, car, truck, bus, tram, bicycle, tyre, engine, petrol, bridge, "
    "tunnel, airport, station, potato, onion, rice, flour, milk, egg, cheese, bread, salt, pepper, spoon, "
    "fork, plate, bottle, recipe, kitchen, cooking, tutorial, how to, review, unboxing, vlog, news, "
    "politics, election, president, government, law, court, judge, police, army, hospital, doctor, "
    "medicine, vaccine, school, university, teacher, student, homework, book, page, chapter, sentence, "
    "word, letter, alphabet, grammar, english, german, spanish, french, china, india, brazil, germany, "
    "america, canada, country, flag, map, river, lake, island name, stone, rock, sand, grass, tree, leaf, "
    "cow, horse, pig, goat, chicken, fish, ant, shoe, shirt, trousers, jacket, button, needle, thread, "
    "red, green, yellow, black, white, grey, big, small, long, short, left, right, up, north, south, "
    "today, tomorrow, yesterday, morning, noon, week, month, year, minute, second, hour, clock, lorem "
    "ipsum, asdf, qwerty, xyz, abc, foo bar, test, untitled, img 1234, null, undefined, user 1234, "
    "football, tennis, basketball, cricket, pizza, burger, car repair, gardening, woodworking, knitting, "
    "makeup, fashion, phone, laptop, camera"
)
"""Texts that say nothing about a mood; the learned head is trained to tell them apart."""
