"""Judges whether text was decoded with the right encoding: alphabets of languages, common characters, possible positions of letters.

`explained` counts the non-ASCII words that make sense. It knows no language, only what is impossible: a word of two scripts, a capital
inside a word, letters that no one language has together, a bracket between two letters.
"""

import re
from collections.abc import Callable

_WESTERN = (
    "àâæçéèêëîïôœùûüÿ",
    "äöüß",
    "áéíñóúü",
    "áâãàçéêíóôõúü",
    "àèéìíîòóùú",
    "áéëïóöüèç",
    "åäöéü",
    "æøåéòôöä",
    "áðéíóúýþæö",
    "àçèéíïòóúü",
    "äöõüšž",
)
_CENTRAL = ("áčďéěíňóřšťúůýž", "áäčďéíľňóôšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "čćđšž", "âăîşţ", "äöüß")
_TURKISH = ("çğıöşüâîûi\u0307",)
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋ"
_GREEK_VOWELS = "αεηιουωάέήίόύώϊϋ"
_HEBREW_FINAL, _HEBREW = "ךםןףץ", "אבגדהוזחטיכךלמםנןסעפףצץקרשת"
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў"
_CYRILLIC_VOWELS = "аеёиоуыэюяіїє"
_VOWELS = set("aeiouyàâæéèêëîïôœùûüäöáíóúãõìòåøýěůęąőűăı")
_QUOTES, _MARKS = set("‘’"), set("“”„–—…•«»¡¿°©®™€£½¼²·×ªº´")
_PAIRED, _SIGNS = set("‘’“”„–—…«»\xa0"), set("°©®™½¼²×ªº´")
_WORD = re.compile(r"\w+")
_CJK_MARKS = "、。「」『』・ー〜～！？（），：；《》【】…—　·"
_HANZI = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情"
    "明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产新己制身果加西斯月话合回特代内信表化老给世"
    "位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量"
    "再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完"
    "设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运爱夜风雨歌曲恋梦花邓丽君亮"
)
_HANGUL = (
    "이다는을의에가고하한지로기사어도리나아자그서인들시라해대수은일여보있정게만주원구전부장제유우니상스선무마소비오성모화조과"
    "세내안면신공중요용방당연동경거경위생미음했년진계영된노물할문차방말려야치없개등적러트운드눈속사랑달별꽃밤봄길날"
)


def explained(encoding: str, text: str) -> tuple[int, int]:
    """(words that make sense, words) among those of `text` with characters outside of ASCII, as text that was read with `encoding`."""
    if encoding in _WIDE:
        return _wide(text, _WIDE[encoding])
    judge = _JUDGES[encoding]
    good = total = 0
    for word in _WORD.finditer(text):
        if not word[0].isascii():
            total += 1
            good += judge(word[0])
    for position, mark in enumerate(text):
        if not mark.isascii() and not (mark.isalnum() or mark == "_"):
            total += 1
            good += _mark_fits(text, position)
    return good, total


def common_share(encoding: str, text: str) -> float:
    """Share of the wide characters of a text that are among the commonest of Chinese (gb18030, big5) or Korean (cp949); 0 without any."""
    common = _HANGUL if encoding == "cp949" else _HANZI
    wide = [mark for mark in text if ord(mark) > 0x2FFF and mark not in _CJK_MARKS]
    return sum(mark in common for mark in wide) / max(1, len(wide))


def _mark_fits(text: str, position: int) -> bool:
    mark, before, after = text[position], text[position - 1 : position] if position else "", text[position + 1 : position + 2]
    if mark == "\xa0":
        return True
    if mark not in _QUOTES and mark not in _MARKS:
        return False
    if before and not before.isascii() and not before.isalnum() and not (before in _PAIRED and mark in _PAIRED):
        return False
    if mark in _QUOTES:
        return True
    if mark in "¡¿" and before.isalnum():
        return False
    if mark in _SIGNS and (after.isalpha() or (before.isalpha() and not before.isascii())):
        return False
    return not (before.isalpha() and after.isalpha()) or mark in "—·…"


def _cased(word: str) -> bool:
    return word.islower() or word.isupper() or word[1:].islower()


def _latin(languages: tuple[str, ...]) -> Callable[[str], bool]:
    alphabets = [set(letters) for letters in languages]

    def judge(word: str) -> bool:
        lowered = word.lower()
        strange = {letter for letter in lowered if not letter.isascii()}
        if not any(strange <= alphabet for alphabet in alphabets) or re.search(r"[^\W\d_]\d+[^\W\d_]", word):
            return False
        parts = re.findall(r"[^\W\d_]+", word)
        if not all(part.isascii() or _cased(part) for part in parts):
            return False
        return all(_sounds(lowered, position) for position, letter in enumerate(lowered) if not letter.isascii())

    return judge


def _sounds(word: str, position: int) -> bool:
    """Whether a letter may stand there: no vowel between vowels, no consonant between consonants; thorn begins words."""
    before, letter, after = word[position - 1 : position] if position else "", word[position], word[position + 1 : position + 2]
    if letter == "þ":
        return position == 0
    if letter in "ðğ":
        return position > 0
    if letter == "ñ":
        return not after or after in _VOWELS
    if letter in "ńśź":
        return not after or after not in _VOWELS
    if letter in "øèæìùûåàòêîěů":
        if position and after:
            return not (before in _VOWELS and after in _VOWELS)
        return bool(position) or after not in _VOWELS or after == "y" or letter in "åà"
    if letter == "ż" and before and after:
        return before in _VOWELS or after in _VOWELS or before == "r"
    if letter in "čřćďňťđľ" and before and after:
        return before in _VOWELS or after in _VOWELS or before in "rl" or after in "rlk"
    return True


def _cyrillic(word: str) -> bool:
    lowered = word.lower()
    letters = [letter for letter in lowered if letter.isalpha()]
    has_vowel = any(letter in _CYRILLIC_VOWELS for letter in letters)
    return all(letter in _CYRILLIC for letter in letters) and _cased(word) and (has_vowel or len(letters) < 4)


def _greek(word: str) -> bool:
    letters = [letter for letter in word.lower() if letter.isalpha()]
    has_vowel = any(letter in _GREEK_VOWELS for letter in letters)
    return all(letter in _GREEK for letter in letters) and "ς" not in letters[:-1] and _cased(word) and (has_vowel or len(letters) < 3)


def _hebrew(word: str) -> bool:
    return all(letter in _HEBREW for letter in word) and not any(letter in _HEBREW_FINAL for letter in word[:-1])


def _wide(text: str, is_common: Callable[[str], bool]) -> tuple[int, int]:
    """Wide characters that are common ones, and all. One alone between letters of ASCII is no word of theirs."""
    good = total = 0
    for run in re.finditer(r"[^\x00-\x7f]+", text):
        lone = len(run[0]) == 1 and (text[run.start() - 1 : run.start()].isalpha() or text[run.end() : run.end() + 1].isalpha())
        total += len(run[0])
        good += 0 if lone else sum(is_common(mark) for mark in run[0])
    return good, total


def _kana(mark: str) -> bool:
    return "ぁ" <= mark <= "ヿ"


def _first_level(encoding: str, low: int, high: int) -> Callable[[str], bool]:
    """Characters of the commoner half of a national standard: those with a first byte from `low` to `high`, and punctuation."""

    def is_common(mark: str) -> bool:
        if mark in _CJK_MARKS or mark.lower() in _CYRILLIC or mark.lower() in _GREEK or 0xFF01 <= ord(mark) <= 0xFF5E:
            return True
        try:
            code = mark.encode(encoding)
        except UnicodeEncodeError:
            return False
        return len(code) == 2 and low <= code[0] <= high

    return is_common


def _with_kana(encoding: str, low: int, high: int) -> Callable[[str], bool]:
    kanji = _first_level(encoding, low, high)
    return lambda mark: _kana(mark) or mark in "々〆" or kanji(mark)


_WIDE: dict[str, Callable[[str], bool]] = {
    "gb18030": _first_level("gb2312", 0xB0, 0xD7),
    "cp932": _with_kana("cp932", 0x88, 0x98),
    "euc_jp": _with_kana("euc_jp", 0xB0, 0xCF),
    "big5": _first_level("big5", 0xA4, 0xC6),
    "cp949": _with_kana("euc_kr", 0xB0, 0xC8),
}
_JUDGES: dict[str, Callable[[str], bool]] = {
    "cp1252": _latin(_WESTERN),
    "cp1250": _latin(_CENTRAL),
    "cp1254": _latin(_TURKISH),
    "cp850": _latin(_WESTERN),
    "mac_roman": _latin(_WESTERN),
    "cp1251": _cyrillic,
    "koi8_r": _cyrillic,
    "cp866": _cyrillic,
    "cp1253": _greek,
    "cp1255": _hebrew,
}
