"""Which of the taggers' 100 tags a caption mentions literally: one pattern a tag, synonyms included, negations taken out."""

import re
from collections.abc import Sequence

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.labeling.scorers.starter import TAGS

_SUNG = r"vocal|sing(s|er|ing)?\b|sung|voice|rap(s|per|ping)?\b|choir|chorus|croon|soprano|tenor voice|baritone|falsetto|scat"
_WOMAN = r"\b(female|woman|women|girl|soprano|lady|ladies)"
_MAN = r"\b(male|man|men|boy|baritone|tenor voice|rapper)\b"
_BEAT = r"beat|groove|drum|percussi|rhythm section|clap"
_DANCE_FLOOR = r"techno|house|trance|\bedm|rave|club"
_ROCK = r"\brock"
_METAL = r"\bmetal\b|metalcore|djent"
_QUIET = r"quiet|soft|gentl|delicate|hushed|sooth|calm|tender|lullaby"
_LOUD = r"loud|aggressive|intense|powerful|distort|heavy|blast|pounding|crushing"
_CHILL = r"chill|relax|laid[- ]back|lo-?fi|lounge|downtempo|mellow"
_CLASSICAL = r"classical\b(?! guitar)|orchestra|baroque|symphon|sonata|concerto|chamber|string quartet|romantic period|renaissance|waltz"
_CHORAL = r"choir|choral|chant|gospel"
_EASTERN = r"indian|hindustani|carnatic|bollywood|raga|sitar|tabla|bansuri|tanpura|sarod"
_EERIE = r"weird|strange|eerie|experimental|avant|dissonant|disorient|surreal|glitch|noise|quirky|bizarre|unsettling"

_VOICE = r"(vocals?|voices?|singing|singers?|lyrics)"
_INSTRUMENT = r"(instruments?|drums?|percussion|guitars?|bass|strings?|piano|synth\w*)"
_NO_VOICE = rf"\b(no|without) (\w+ ){{0,2}}{_VOICE}|\binstrumental\b"

PATTERNS = {
    "guitar": r"guitar|strum",
    "classical": _CLASSICAL,
    "slow": r"slow|ballad|unhurried|adagio|lullaby|downtempo|largo",
    "techno": _DANCE_FLOOR,
    "strings": r"\bstrings?\b(?!ed)|violin|viola|cello|orchestra|symphon|string (section|quartet)|fiddle",
    "drums": r"drum|percussi|hi-?hat|snare|kick|cymbal|tabla|conga|bongo|timpani",
    "electronic": rf"electro|synth|808|drum machine|dubstep|chiptune|8-bit|drum and bass|breakbeat|glitch|{_DANCE_FLOOR}",
    "rock": rf"{_ROCK}|punk|grunge|{_METAL}",
    "fast": r"\bfast|up-?tempo|rapid|brisk|quick|frantic|driving|racing|presto|allegro",
    "piano": r"piano",
    "ambient": r"ambient|drone|atmospher|soundscape|ethereal|\bpads?\b|spacious|floating",
    "beat": rf"{_BEAT}|hip[- ]hop",
    "violin": r"violin|fiddle",
    "vocal": _SUNG,
    "synth": r"synth|808|moog|arpeggiator|chiptune|8-bit",
    "female": _WOMAN,
    "indian": _EASTERN,
    "opera": r"opera|\baria\b|soprano|bel canto",
    "male": _MAN,
    "singing": _SUNG,
    "vocals": _SUNG,
    "no vocals": _NO_VOICE,
    "harpsichord": r"harpsichord|clavichord|baroque|clavinet",
    "loud": _LOUD,
    "quiet": _QUIET,
    "flute": r"flute|piccolo|recorder\b|ocarina|pan ?pipes?|shakuhachi|bansuri|\bney\b",
    "woman": _WOMAN,
    "male vocal": _MAN,
    "no vocal": _NO_VOICE,
    "pop": r"\bpop\b",
    "soft": _QUIET,
    "sitar": r"sitar|sarod|tanpura|raga|\bveena\b",
    "solo": r"\bsolo\b|unaccompanied|\balone\b|one instrument|single instrument",
    "man": _MAN,
    "classic": rf"{_CLASSICAL}|\bclassic\b(?! rock)",
    "choir": _CHORAL,
    "voice": _SUNG,
    "new age": r"new age|meditat|\bspa\b|yoga|healing|ethereal|mystic|zen\b",
    "dance": rf"danc|disco|{_DANCE_FLOOR}",
    "male voice": _MAN,
    "female vocal": _WOMAN,
    "beats": rf"\bbeats\b|drum machine|808|hip[- ]hop|{_DANCE_FLOOR}",
    "harp": r"\bharps?\b|lyre|kora|koto|zither|qanun|kantele",
    "cello": r"cello|double bass|bowed bass|viola da gamba",
    "no voice": _NO_VOICE,
    "weird": _EERIE,
    "country": r"country|bluegrass|banjo|pedal steel|honky|western\b|americana",
    "metal": _METAL,
    "female voice": _WOMAN,
    "choral": _CHORAL,
    "alternative": r"alternative|alt[- ](rock|pop|country)|indie|grunge|shoegaze",
    "indie": r"\bindie|lo-?fi|bedroom",
    "female vocalists": _WOMAN,
    "00s": r"2000s|\b00s|two-?thousands|noughties",
    "alternative rock": r"alternative rock|alt[- ]rock|indie rock|grunge|shoegaze|post-rock",
    "jazz": r"jazz|bebop|bossa|swing|big band|\bbop\b|ragtime|dixieland|saxophone",
    "beautiful": r"beautiful|lovely|emotional|heartfelt|touching|elegant|moving",
    "chillout": _CHILL,
    "male vocalists": _MAN,
    "classic rock": r"classic rock|rock ?('?n'?|and) ?roll|blues rock|rockabilly|arena rock",
    "soul": r"\bsoul\b|neo-?soul|motown|gospel",
    "indie rock": r"indie rock|alternative rock|garage rock",
    "Mellow": rf"{_CHILL}|{_QUIET}|warm|smooth",
    "electronica": r"electronic|idm\b|downtempo|trip[- ]hop|glitch",
    "80s": r"80s|eighties|synth-?(pop|wave)|new wave|retro synth|chiptune",
    "folk": r"\bfolk|acoustic guitar|singer-songwriter|celtic|mandolin|traditional|accordion",
    "90s": r"90s|nineties|boom bap|grunge|eurodance",
    "chill": _CHILL,
    "instrumental": _NO_VOICE,
    "punk": r"\bpunk|hardcore",
    "oldies": r"oldies|vintage|retro|old[- ](school|time|fashioned)|nostalg|50s|60s|doo-?wop|ragtime|swing",
    "blues": r"\bblues|bluesy",
    "hard rock": rf"hard rock|distort|{_METAL}",
    "acoustic": r"acoustic|unplugged|nylon|ukulele|folk",
    "experimental": r"experimental|avant|musique concr|noise|free jazz|glitch|dissonant",
    "female vocalist": _WOMAN,
    "Hip-Hop": r"hip[- ]?hop|\brap\b|rapp|boom bap|\btrap\b",
    "70s": r"70s|seventies|disco|prog(ressive)? rock",
    "party": r"party|parties|club|celebrat|festive",
    "easy listening": r"easy[- ]listening|lounge|elevator|muzak|background music|smooth jazz",
    "sexy": r"sexy|sensual|seductive|sultry|r&b",
    "catchy": r"catchy|hook|infectious|sing-?along",
    "funk": r"\bfunk|slap bass|wah",
    "electro": r"electro\b|electro[- ]|breakbeat|synth-?pop",
    "heavy metal": _METAL,
    "Progressive rock": r"prog(ressive)? (rock|metal)|psychedelic|krautrock",
    "60s": r"60s|sixties|surf|psychedelic|motown|beat music",
    "rnb": r"r&b|rnb|r 'n' b|neo-?soul|slow jam",
    "indie pop": r"indie (pop|folk)|dream pop|bedroom pop",
    "sad": r"\bsad|melanchol|sorrow|heartbr|mourn|gloom|lonely|wistful|plaintive|somber|sombre|grief|tragic",
    "House": r"\bhouse\b",
    "happy": r"happy|joy|cheer|upbeat|uplift|playful|sunny|bright|light-?hearted|festive|fun\b|merry",
}

_NEGATED = re.compile(rf"{_NO_VOICE}|\b(no|without) (\w+ )?{_INSTRUMENT}( at all)?")
_ABSENCE = frozenset(tag for tag, pattern in PATTERNS.items() if pattern is _NO_VOICE)
_COMPILED = {tag: re.compile(pattern) for tag, pattern in PATTERNS.items()}


def tag_mentions(captions: Sequence[str]) -> Float32s:
    """N captions -> (N, 100) of 0 and 1, columns in the order of `TAGS`. A tag that both taggers know has a column with each."""
    lowered = [caption.lower() for caption in captions]
    affirmed = [_NEGATED.sub(" ", caption) for caption in lowered]
    by_tag = {
        tag: np.array([pattern.search(text) is not None for text in (lowered if tag in _ABSENCE else affirmed)], np.float32)
        for tag, pattern in _COMPILED.items()
    }
    return np.stack([by_tag[tag] for tag in TAGS], 1)
