"""trivia: lyrics and what they tell, charts and sales, release and awards, the lives of those who made it."""

import re

from labeling.cleaning.phrases import Phrases
from labeling.songs import Song

_TRIVIA = Phrases("""
    billboard
    hot 100
    top 10|ten|20|40|forty|100
    number|no one|1 (hit) (single) on|in|hit|single
    number-one|chart-topping|chart-topper|charted|charting|charts
    hit single|song|record
    smash hit
    one-hit|best-selling|bestselling|best-seller
    copies|copy sold|worldwide
    sold over|more|millions|out
    million|millions|billion copies|views|streams|records|times
    million|millions of copies|people|records|views
    went|certified|multi gold|platinum
    platinum|gold-certified
    grammy|grammys|brits|oscar|oscars|eurovision|award|awards|award-winning|nominated|nomination|nominations
    youtube|spotify|tiktok|itunes|soundcloud|viral|airplay
    music video|videos
    radio play|hit
    critic|critics|critical|critically acclaim|acclaimed
    critic|critics|acclaim|acclaimed|reviewer|reviewers
    commercial success
    breakthrough
    fan favorite|favourite
    fans waited|love|around|of|favorite
    hall of fame
    rolling stone

    released|re-released|premiered|published|copyright|copyrighted|remastered|reissued
    recorded at|by|for|on|between|during
    recorded in #|Name
    recorded in the spring|summer|autumn|fall|winter|early|late|mid
    debut|debuted
    debut|studio|second|third|fourth|fifth|latest|new|first|live|eponymous|self-titled album|ep|record
    second|third|fourth|fifth|latest|new|first single
    title|opening|closing|first|second|third|fourth|fifth|last|bonus|lead track|single|song|cut on|of|from
    album|albums|discography|b-side
    the single
    record label
    label delayed|released|signed
    signed to|with
    written and|by|for|about
    written in #
    co-wrote|co-written|cowritten
    composed by|for
    composed in #
    produced by
    cover|covered by|of|version
    has|have been covered
    originally by|performed|recorded|written
    tribute to
    sampled by|from many|Name
    was|is|were|are|been|it|has|also featured|used|appeared|heard|included in|on the|a|many|several (*) (*) soundtrack|film|movie|album
    was|is|were|are|been|it|has|also featured|used|appeared|heard|included in|on the|a|many|several (*) (*) series|tv|television|show
    was|is|were|are|been|it|has|also featured|used|appeared|heard|included in|on the|a|many|several (*) (*) commercial|commercials
    appears|appeared on|in their|his|her|the|a|many (*) (*) soundtrack|film|movie|album|record
    runs for *
    minute|minutes long
    minute|minutes and * second|seconds
    # minute|minutes

    lyricist
    lyrical content|theme|themes
    lyrically
    lyrical|lyric tells|explores|deals
    chorus goes
    tell|tells|telling|recount|recounts|narrates of|about|how
    tell|tells|telling|recount|recounts|narrates the|a story|tale
    song|track|piece|music|tune|it|words|text is|are|was|speaks|speak|talks|talk (all) about
    speaks|speak|sings|sing|talks|talk of
    deal|deals with

    was|were born|raised|formed|founded|discovered|killed|married
    was|were inspired|influenced by
    grew up
    passed away
    died in
    band|group|duo|artist|singer|musician|composer|songwriter|rapper (*) was|were|is|are|has|have|had (*) born|formed|known|famous
    band|group|duo|artist|singer|musician|composer|songwriter|rapper (*) was|were|is|are|has|have|had (*) from|called
    band|group|duo|artist|singer|musician|composer|songwriter|rapper (*) was|were|is|are|has|have|had (*) named|toured|won|released|sold
    band|group|duo|artist|singer|musician|composer|songwriter|rapper (*) was|were|is|are|has|have|had (*) collaborated|recorded|begun
    she|he|they (*) was|were|is|are|has|have|had (*) born|formed|known|famous|from|called|named|toured|won|released
    she|he|they (*) was|were|is|are|has|have|had (*) collaborated|recorded|sold
    she|he|they (*) has|have|had (*) begun|started
    he|she|they|who learned|learnt|studied|moved|joined|founded|began|started|became|married|met|worked|wrote|left|died|won
    he|she|they|who attended|graduated
    career|biography|hometown|conservatory|childhood|autobiographical|autobiography|breakup
    on|world tour
    concert ticket|tickets
    break-up with
""")
_LYRICS = re.compile(
    r"(?<!\bno )(?<!without )(?<!any )\blyrics?\b|[♪♫]|^(?:(?:oh|la|na|ooh|yeah|hey|da|doo|baby)[,\s!]+){2,}", re.IGNORECASE
)
_YEAR = re.compile(r"(?<![\d.,/-])(?:1[6-9]\d\d|20[0-4]\d)(?!\s?(?:s\b|'s\b|[Hh]z|bpm|BPM|-?style))(?![\d/-]|\.\d|'s\b|s\b)")
_QUOTED = re.compile(r'"([^"]+)"')
_SUNG = re.compile(
    r"\b(?:sings?|singing|repeats?|repeating|shouts?|goes|chants?|raps?|lines?|words|phrase|refrain|hook|saying|says)\b", re.IGNORECASE
)
_SUNG_WORDS = 4
_BEAT = re.compile(r"\b(?:4|four)[ -]on[ -]the[ -]floor\b", re.IGNORECASE)


def trivia(text: str, _song: Song) -> str | None:
    """None for what is told about a song instead of how it sounds, and for the words that are sung in it."""
    if _TRIVIA.are_in(text) or _YEAR.search(text) or _LYRICS.search(text):
        return None
    for quoted in _QUOTED.findall(text):
        words = len(_BEAT.sub("", quoted).split())
        if words >= _SUNG_WORDS or (words >= 2 and _SUNG.search(text)):
            return None
    return text
