"""trivia: lyrics and what they tell, charts and sales, release and awards, the lives of those who made it."""

import re

from labeling.songs import Song

_TRIVIA = re.compile(
    r"""
    # charts, sales, fame
    \b(?:billboard|hot\ 100|top\ (?:10|ten|20|40|forty|100)|number[- ](?:one|1)|no\.\ ?1\ (?:hit|single|on)|chart(?:s|ed|ing
        |-topp\w+)\b|hit\ (?:single|song|record)|
        smash\ hit|one[- ]hit|best[- ]?sell\w+|cop(?:y|ies)\ (?:sold|worldwide)|sold\ (?:over|more|millions?)|million\ (?:copies|views
        |streams|records|times)|
        (?:went|certified|multi-?)\s*(?:gold|platinum)|platinum|grammys?|brit\ awards?|oscars?|academy\ award|eurovision|awards?\b
        |award-winning|nominat\w+|
        youtube|spotify|tiktok|itunes|soundcloud|music\ video|video\ clip|viral|radio\ (?:airplay|play|hit)|airplay|critics?\b
        |critical(?:ly)?\ accla\w+|
        acclaim\w*|reviewers?|commercial\ success|breakthrough|fans?\b(?=\ (?:waited|love|around|of|favou?rite))|fan\ favou?rite
        |hall\ of\ fame|rolling\ stone)
    # release and making
    | \b(?:released|re-?released|premiered|published|copyright\w*|remastered|reissued|recorded\ (?:at|by|for|on|between|during)
        |recorded\ in\ (?:\d|the\ (?:spring|summer|autumn|fall|
        winter|early|late|mid)|(?-i:[A-Z]))|debut(?:ed|\ (?:album|single))|(?:debut|studio|second|third|fourth|fifth|latest|new|first
        |live|eponymous|self-titled)\ (?:album|single|ep|record)\b|
        (?:title|opening|closing|first|second|third|fourth|fifth|last|bonus|lead)\ (?:track|single|song|cut)\ (?:on|of|from)|album
        |discography|
        B-side|the\ single\b|record\ label|label\ (?:delayed|released|signed)|signed\ (?:to|with)|written\ (?:and|by|for|in\ (?:19|20)
        |about)|co-?written|composed\ (?:by|for|in\ (?:1|2))|
        produced\ by|cover(?:ed)?\ (?:by|of|version)|(?:has|have)\ been\ covered|originally\ (?:by|performed|recorded|written)
        |tribute\ to|
        sampled\ (?:by|from)\ (?:(?-i:[A-Z])|many)|(?:was|is|were|are|been|it|has|also)\ (?:featured|used|appeared|heard
        |included)\ (?:in|on)\ (?:the|a|many|several)\ (?:\w+\s+){0,2}(?:soundtrack|film|movie|album|series|tv|television|show
        |commercials?)|
        runs\ for\ \w+|minutes?\ (?:and\ \w+(?:-\w+)?\ seconds?\ )?long|\d+\ minutes?\b|\w+\ minutes?\ and\ \w+(?:[- ]\w+)?\ seconds?)
    # words of the song
    | (?<!\bno\ )(?<!without\ )(?<!any\ )\blyric(?:s|al(?:ly)?\ (?:content|theme|tells?|explores?|deals?))\b | \blyricist\b
        | \bchorus\ goes\b | \b(?:tells?|telling|recounts?|narrates?)\ (?:of|the\ (?:story|tale)|a\ (?:story|tale)|about|how)\b
    | \b(?:song|track|piece|music|tune|it|words|text)\ (?:is|are|was|speaks?|talks?)\ (?:all\ )?about\b
    | \b(?:speaks?|sings?|talks?)\ of\ | \bdeals?\ with\b | ^(?:(?:oh|la|na|ooh|yeah|hey|da|doo|baby)[,\s!]+){2,} | [♪♫]
    # lives
    | \b(?:was|were)\ (?:born|raised|formed|founded|discovered|inspired\ by|influenced\ by|killed|married)\b | \b(?:grew\ up
        |passed\ away|died\ in)\b
    | \b(?:band|group|duo|artist|singer|musician|composer|songwriter|rapper|she|he|they)\ (?:\w+\s+)?(?:was|were|is|are|has|have
        |had)\ (?:\w+\s+)?(?:born|formed|known|famous|from|called|named|
        toured|won|released|recorded|collaborated|sold|begun|started)\b
    | \b(?:he|she|they|who)\ (?:learned|studied|moved|joined|founded|began|started|became|married|met|worked|wrote|left|died|won
        |attended|graduated)\b
    | \b(?:career|biography|hometown|conservatory|childhood|autobiograph\w+|on\ tour|world\ tour|concert\ tickets?|breakup
        |break-up\ with)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\d.,/-])(?:1[6-9]\d\d|20[0-4]\d)(?!\s?(?:s\b|'s\b|hz|bpm|-?style))(?![\d/-]|\.\d|'s\b|s\b)", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]+)"')
_SUNG = re.compile(
    r"\b(?:sings?|singing|repeats?|repeating|shouts?|goes|chants?|raps?|lines?|words|phrase|refrain|hook|saying|says)\b", re.IGNORECASE
)
_SUNG_WORDS = 4
_BEAT = re.compile(r"\b(?:4|four)[ -]on[ -]the[ -]floor\b", re.IGNORECASE)


def trivia(text: str, _song: Song) -> str | None:
    """None for what is told about a song instead of how it sounds, and for the words that are sung in it."""
    if _TRIVIA.search(text) or _YEAR.search(text):
        return None
    for quoted in _QUOTED.findall(text):
        words = len(_BEAT.sub("", quoted).split())
        if words >= _SUNG_WORDS or (words >= 2 and _SUNG.search(text)):
            return None
    return text
