"""Posts in eight languages, and what each of 150 questions must find among them.

A post's key is its language and a number; a question is a line ``what was typed => keys found``.
"""

POSTS: dict[str, tuple[str, str, str]] = {
    # key: author, date, body
    "en1": ("susan", "2026-01-05", "The quick brown fox jumps over the lazy dog"),
    "en2": ("john", "2026-02-10", "Quick thinking saved the dog. Dog, dog, dog!"),
    "en3": ("susan", "2026-03-15", "Don't feed the foxes #wildlife #London"),
    "en4": ("mary", "2026-04-20", "@susan have you read https://example.com/foxes?page=2 yet"),
    "en5": ("john", "2026-05-25", "state-of-the-art naïve café in the #london_eye area"),
    "en6": ("david", "2026-06-30", "Version 3.14 of snake_case costs $5, 100% & <b>bold</b>"),
    "en7": ("mary", "2025-12-31", "mail susan@example.com or @john.doe. about C++ and C#"),
    "en8": ("susan", "2026-07-01", "A rainy day ☔ and a 🦊 at the door"),
    "es1": ("david", "2026-01-10", "El rápido zorro marrón salta sobre el perro perezoso"),
    "es2": ("susan", "2026-02-14", "Mañana por la mañana comeré piñas en España #mañana"),
    "es3": ("mary", "2026-03-01", "¿Dónde está el café? ¡Qué CAFÉ tan bueno!"),
    "de1": ("john", "2026-01-20", "Der schnelle Fuchs überquert die Straße"),
    "de2": ("mary", "2026-02-28", "STRASSE und Grüße aus München, wir sind groß"),
    "de3": ("david", "2026-05-01", "Das Dampfschifffahrtsgesellschaftskapitänspatent"),
    "zh1": ("susan", "2026-01-30", "北京是中国的首都，我在北京大学学习。"),
    "zh2": ("john", "2026-03-30", "今天天气很好，我们去海边吃海鲜"),
    "zh3": ("mary", "2026-05-05", "微博 Microblog 真好用 #微博 #北京"),
    "ja1": ("david", "2026-02-02", "東京都は日本の首都です。"),
    "ja2": ("susan", "2026-04-04", "京都でお寿司を食べました。ガギグ がぎぐ"),
    "ja3": ("john", "2026-06-06", "ｶﾞｷﾞｸﾞ ＨＥＬＬＯ カラオケに行こう #カラオケ"),
    "ko1": ("mary", "2026-01-15", "안녕하세요 세계! 한국어를 배웁니다"),
    "ko2": ("david", "2026-03-20", "세계를 여행하고 싶어요 #여행"),
    "ar1": ("susan", "2026-02-20", "مَرْحَبًا بِالعَالَم، هذه مدرسة جديدة"),
    "ar2": ("john", "2026-04-25", "مرحبا أحمد، إلى اللقاء في المكتبة ٢٠٢٦"),
    "ar3": ("mary", "2026-06-15", "العـــربية لغة جميلة #العربية"),
    "ru1": ("david", "2026-01-25", "Быстрая лиса перепрыгнула через ленивую собаку"),
    "ru2": ("susan", "2026-03-10", "Ещё один йогурт, и ёлка готова"),
    "ru3": ("john", "2026-05-15", "МОСКВА — столица России #Москва"),
    "pt1": ("mary", "2026-02-05", "Coração de São Paulo à noite, pão e avó"),
    "th1": ("david", "2026-04-15", "สวัสดีครับ ประเทศไทย"),
}

# What posts are written in, where that is not the key's own language.
WRITTEN_IN: dict[str, str | None] = {"pt1": "pt-BR", "en7": None, "zh3": "zh_Hant"}

QUESTIONS = """
fox => en1
FOX => en1
foxes => en3 en4
fox* => en1 en3 en4
quick => en1 en2
quick dog => en1 en2
dog quick => en1 en2
"quick dog" =>
"quick brown" => en1
"brown quick" =>
"lazy dog" => en1
"dog dog" => en2
"dog dog dog dog" => en2
"dog dog dog dog dog" =>
quick -lazy => en2
quick -dog =>
dog -"lazy dog" => en2
-the lang:en => en4 en6
-the -example lang:en => en6
dont =>
don't => en3
DON’T => en3
don t => en3
"feed the foxes" => en3
"feed * foxes" =>
#wildlife => en3
wildlife => en3
#london => en3
#LONDON => en3
london => en3 en5
#london_eye => en5
#london* => en3 en5
#foxes =>
@susan => en4
susan => en4 en7
@john.doe => en7
@john =>
@john* => en7
john doe => en7
susan@example.com => en7
example => en4 en7
example.com => en4 en7
https://example.com => en4
example.com/foxes => en4
page=2 => en4
state-of-the-art => en5
state art => en5
"state of the art" => en5
"the state of art" =>
naive => en5
NAÏVE => en5
cafe => en5 es3
café => en5 es3
cafe\N{COMBINING ACUTE ACCENT} => en5 es3
3.14 => en6
314 =>
14 => en6
snake_case => en6
snake => en6
"snake case" => en6
$5 => en6
100% => en6
bold => en6
<b>bold</b> => en6
c => en7
c++ => en7
c# => en7
☔ => en8
🦊 => en8
🦊 door => en8
☔ 🦊 => en8
rain =>
rain* => en8
zorro => es1
RÁPIDO => es1
rapido => es1
manana => es2
mañana => es2
"la manana" => es2
#manana => es2
piña* => es2
donde esta => es3
¿cafe? => es3 en5
¡Qué! => es3
cafe -naive => es3
strasse => de1 de2
straße => de1 de2
STRASSE => de1 de2
uberquert => de1
gruße => de2
grusse => de2
munchen groß => de2
dampf =>
dampf* => de3
dampfschifffahrtsgesellschaftskapitanspatent => de3
北京 => zh1 zh3
北京大学 => zh1
京大 => zh1
北大 =>
大学学习 => zh1
北京 学习 => zh1
首都 => zh1 ja1
首都 lang:zh => zh1
海 => zh2
海鲜 => zh2
鲜 => zh2
天 => zh2
博 => zh3
微博 => zh3
#微博 => zh3
#北京 => zh3
北京 -#北京 => zh1
微博 microblog => zh3
"microblog 真好用" => zh3
真好 => zh3
東京 => ja1
京都 => ja1 ja2
東京都 => ja1
都 => ja1 ja2 zh1
寿司 => ja2
お寿司を => ja2
食べる =>
食べ => ja2
がぎぐ => ja2
ガギグ => ja2 ja3
カキク =>
ｶﾞｷﾞｸﾞ => ja2 ja3
hello => ja3
ｈｅｌｌｏ => ja3
カラオケ => ja3
#カラオケ => ja3
세계 => ko1 ko2
세계를 => ko2
여행 => ko2
#여행 => ko2
한국어 => ko1
안녕 세계 => ko1
مرحبا => ar1 ar2
مَرْحَبًا => ar1 ar2
العالم =>
بالعالم => ar1
احمد => ar2
مدرسه => ar1
2026 => ar2
العربية => ar3
#العربية => ar3
лиса => ru1
ЛИСА => ru1
еще => ru2
ёлка елка => ru2
йогурт => ru2
москва => ru3
#москва => ru3
coracao => pt1
sao paulo => pt1
"pao e avo" => pt1
สวัสดี => th1
ไทย => th1
from:susan => en1 en3 en8 es2 zh1 ja2 ar1 ru2
from:SUSAN fox* => en1 en3
from:@susan dog => en1
from:susan from:john dog => en1 en2
from:nobody =>
from:nobody dog =>
lang:pt => pt1
lang:pt-PT => pt1
lang:zh => zh1 zh2 zh3
lang:de lang:es cafe => es3
lang:xx =>
before:2026 => en7
before:2026-01-06 => en1 en7
before:2026-02 lang:en => en1
after:2026-06 => en6 en8 ja3 ar3
after:2026-06-30 => en6 en8
after:2026-05-05 before:2026-05-16 => zh3 ru3
after:2026-02-10 before:2026-02-11 => en2
after:2027 =>
from:susan lang:en after:2026-02 => en3 en8
from:john -dog lang:en => en5
lang: =>
from: =>
before:yesterday =>
before:2026-13 =>
"" =>
- =>
!!! =>
quick AND dog =>
quick OR fox =>
(quick) [dog] {the} => en1 en2
quick & dog => en1 en2
quick | dog => en1 en2
!quick => en1 en2
quick:* => en1 en2
"unclosed quick =>
"quick brown => en1
quick"brown" => en1
'quick' => en1 en2
terms:quick =>
"""


def questions() -> list[tuple[str, set[str]]]:
    found = []
    for line in QUESTIONS.strip().splitlines():
        typed, _, keys = line.partition("=>")
        found.append((typed.strip(), set(keys.split())))
    return found
