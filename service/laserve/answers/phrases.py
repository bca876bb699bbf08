"""How languages other than English say "the answer is B": pieces of regular expressions.

Of the languages that multiple-choice tests are commonly translated to. Those called unspaced stand
next to letters without a border of words.
"""

OPTION = (
    r"opción|opçã?o|alternativa|letra|lettre|lettera|opzione|buchstaben?|antwort(?:option)?|réponse"
    r"|respuesta|resposta|risposta|вариант"
)
"""What a letter may be called."""
OPTION_UNSPACED = r"(?:[选選][项項]|[选選][択择]?肢)"

ARTICLE = (
    r"l['’]|la|le|el|die|a\s++(?=letra|alternativa|opção)|o\s++(?=item)|donc|also|então|entonces"
)
"""In front of it."""

ANSWER = (
    r"antwort|antwoord|lösung|réponse|respuesta|risposta|resposta|câu\s++trả\s++lời|đáp\s++án|válasz"
    r"|odpověď|odpowiedź(?:\s++to)?|odgovor|jawaban(?:nya)?|jibu|[iì]d[aá]h[uù]n(?:\s++náà)?"
    r"|impendulo|tontu|ответ|відповідь|cevap|yanıt|svaret|svar|vastaus|richtig(?=\s++ist\b)"
    r"|richtige\s++(?:option|auswahl)|bonne\s++option|option\s++correcte|opción\s++correcta"
    r"|(?:alternativa|opção|letra)\s++correta|opzione\s++corretta|răspuns(?:ul)?(?:\s++corect)?"
    r"|απάντηση|отговор|одговор|odpoveď|atsakymas|atbilde|vastus|jawapan|sagot|cavab|javob|жауап"
)
ANSWER_UNSPACED = (
    r"答案|答え|正解|回答|解答|答|정답|답변|답|الإجابة|الجواب|جواب|उत्तर|উত্তর|సమాధానం|คำตอบ"
    r"|正[确確]的?[选選][项項]|正[确確]的(?=是)|答[复曰]|إجابة|תשובה|پاسخ|பதில்|விடை|ಉತ್ತರ|ഉത്തരം|જવાબ"
)

IS = (
    r"ist|lautet|est|(?<!\bno\s)(?<!\bnão\s)(?<!\bnon\s)(?:es|è|é)|là|adalah|ni|je|är|er|on|este"
    r"|ithi|bi\s++mooy|είναι|היא|ay"
)
IS_UNSPACED = r"(?<!不)[应應]?[该該]?[是为為選选]|는|은|は|هي|هو|है|आहे|হল|ঃ|คือ"

I_CHOOSE = r"ich\s++(?:wähle|nehme)|je\s++choisis|(?:yo\s++)?eli(?:jo|gería)|escolho|scelgo|выбираю"
I_CHOOSE_UNSPACED = r"[故应應]?[选選][择擇]?|我[认認][为為]是"

IS_RIGHT = (
    r"\b(?:est|es|é|è|está)\s++(?:la\s++|a\s++)?(?:correct[eao]?|corret[ao]|corrett[ao]|certa|bonne)\b"
    r"|\bes\s++la\s++(?:respuesta|opción|alternativa)\s++correcta\b"
    r"|\bé\s++a\s++(?:resposta|opção|alternativa)\s++(?:correta|certa)\b"
    r"|\bè\s++la\s++(?:risposta|opzione)\s++(?:corretta|giusta)\b"
    r"|\bist\s++(?:die|der|das)\s++(?:richtige|korrekte)\b|\bis\s++het\s++(?:juiste|goede)\b"
    r"|\b(?:är|er)\s++(?:det\s++)?(?:rätt|korrekt|riktig|rigtig)|[-–—]\s*+правильный\b"
    r"|(?<!nicht\s)\b(?:ist\s++)?(?:richtig|korrekt)\b(?!\s++ist\b)"
    r"|(?:[选選]?[项項])?[是为為]?(?<!不)(?:正[确確]|最合适|最佳|答案|[对對]的)"
    r"|(?:번?[이가은는]\s*+|번)?(?:정답|답|맞|옳)(?!\S{0,9}\s?(?:아니|아닙|않))"
    r"|[がは]\s*+(?:正解|正答|正し|答え)(?!\S{0,20}(?:ない|ません))|सही\s++(?:उत्तर|जवाब|है)"
)

IS_WRONG = r"ist\s++(?:nicht|falsch)|n['’]est\s++pas|no\s++es|não\s++é|non\s++è|不|[错錯]|是[错錯]"

NOT = (
    r"nicht|(?<=['’]est\s)pas|no\s++(?:es|son)|não\s++(?:é|são)|non\s++(?:è|sono)|не|niet|inte|ikke"
    r"|nie"
)
"""In front of what is no answer."""
NOT_UNSPACED = r"[가이는은]?\s?(?:아니|아닙|아닌)|(?:では|じゃ)(?:な|あり)"
"""Behind it."""
BUT = r"sondern|mais|sino|mas(?:\s++sim)?|ma|bensì|а|maar|wel|utan|men|lecz|ale|tylko"
"""In front of what is the answer instead."""
NOT_UNSPACED_BEFORE = r"(?:不是|并非|並非|不[选選])"
BUT_UNSPACED = r"(?:而?(?:应|應)?[该該]?是|而[选選]|[选選])"
NOT_BUT_UNSPACED = r"(?:(?:では|じゃ)なくて?、?|[가이는은]?\s?(?:아니라|아니고|아닌),?)"
"""Between the two."""
IT_IS = r"es\s++ist|ce|c['’]est|het\s++is|det\s++(?:är|er)|это|to"
IF = (
    r"wenn|falls|sofern|(?:^|(?<=[.,;:])\s)\s*+s[ie]"
    r"(?!\s++(?:ottiene|ha|può|deve|vede|trova|tratta|calcola|conclude)\b)"
    r"|если|als(?=[^.;!?\n]*,)|hvis|jeśli|jeżeli"
)
IF_UNSPACED = r"(?:如果|假如|假[设設]|假定|若|倘|要是|除非|もし|ならば?(?=[、,])|만약|만일)"
THEREFORE = (
    r"also\s++(?:ist|lautet)|daher|deshalb|folglich|somit|donc|luego|por\s++(?:lo\s++)?tanto|portanto"
    r"|quindi|dunque|поэтому|следовательно|значит|dus|alltså|derfor|därför|zatem|więc"
)
SUPPOSE = (
    r"angenommen|nehmen\s++wir\s++an|supposons|supongamos|suponga(?:mos)?|suponha(?:mos)?|supponiamo"
    r"|предположим|stel"
)
SUPPOSE_UNSPACED = r"(?:是否|假[设設]|假定|如果|假如|若|倘若|要是)"
BECAUSE = (
    r"weil|denn|und\s++nicht|parce|car|et\s++non|porque|pois|y\s++no|e\s++n[ãa]o|perché|e\s++non"
    r"|потому|и\s++не|omdat|en\s++niet|och\s++inte|og\s++ikke|fordi|eftersom|ponieważ"
)
THEREFORE_UNSPACED = (
    r"(?:따라서|그러므로|그래서|즉|したがって|よって|つまり|ゆえに|因此|所以|故|[综綜]上)"
)
