"""Words with a capital that name no person: peoples and places of styles, genres, instruments by their makers, feasts."""

import unicodedata

from labeling.builtin.lists import comma_list
from labeling.builtin.tags import LISTS

_PEOPLES = comma_list("""
    English, American, British, Irish, Scottish, Welsh, Celtic, Gaelic, French, German, Austrian, Swiss, Dutch, Belgian, Flemish,
    Nordic, Scandinavian, Swedish, Norwegian, Danish, Finnish, Icelandic, Viennese, Parisian, Italian, Neapolitan, Sicilian,
    Spanish, Catalan, Basque, Iberian, Portuguese, Greek, Cretan, Turkish, Ottoman, Anatolian, Balkan, Bulgarian, Romanian, Serbian,
    Croatian, Macedonian, Albanian, Hungarian, Polish, Czech, Bohemian, Slavic, Slovak, Russian, Ukrainian, Cossack, Georgian,
    Armenian, Jewish, Yiddish, Hebrew, Israeli, Arabic, Arab, Arabian, Egyptian, Moroccan, Andalusian, Algerian, Tunisian, Berber,
    Persian, Iranian, Kurdish, Afghan, Indian, Hindustani, Carnatic, Bengali, Punjabi, Hindi, Urdu, Tamil, Pakistani, Nepali,
    Tibetan, Mongolian, Tuvan, Chinese, Cantonese, Mandarin, Japanese, Korean, Okinawan, Thai, Vietnamese, Indonesian, Javanese,
    Balinese, Filipino, Hawaiian, Polynesian, Tahitian, Maori, Aboriginal, Australian, African, Ethiopian, Eritrean, Nigerian,
    Ghanaian, Malian, Senegalese, Congolese, Zulu, Yoruba, Kenyan, Tanzanian, Zimbabwean, Saharan, Sahel, Tuareg, Afro, Afro-Cuban,
    Afro-Latin, Afro-Brazilian, Cuban, Caribbean, Jamaican, Haitian, Trinidadian, Puerto, Rican, Dominican, Mexican, Tejano, Latin,
    Latino, Colombian, Venezuelan, Peruvian, Andean, Bolivian, Chilean, Argentine, Argentinian, Uruguayan, Brazilian, Bahian,
    Creole, Cajun, Zydeco, Appalachian, Southern, Northern, Eastern, Western, Oriental, European, Asian, Mediterranean, Middle,
    East, West, North, South, Coast, Central, Anglo, Gypsy, Romani, Roma, Sephardic, Ladino, Native, Byzantine, Gregorian, Orthodox,
    Catholic, Christian, Protestant, Lutheran, Buddhist, Hindu, Islamic, Muslim, Sufi, Vedic, Medieval, Renaissance, Baroque,
    Classical, Romantic, Victorian, Edwardian, Elizabethan, Impressionist, Modern, Zen, Quechua, Swahili, Wolof, Arabesque, Moorish,
    Alpine, Bavarian, Tyrolean, Siberian, Arctic, Tropical, Lusophone, Francophone
""")
_PLACES = comma_list("""
    Africa, America, Asia, Europe, India, Japan, China, Korea, Brazil, Cuba, Jamaica, Mexico, Spain, France, Italy, Germany,
    Ireland, Scotland, Britain, England, Russia, Turkey, Egypt, Hawaii, Bali, Ibiza, Goa, Detroit, Chicago, Memphis, Nashville,
    Motown, New, Orleans, York, Brooklyn, Harlem, Bronx, Texas, Oakland, Philadelphia, Philly, Atlanta, Miami, Houston, Seattle,
    Bakersfield, Mississippi, Delta, California, Californian, Broadway, Hollywood, Bollywood, Vegas, London, Manchester, Bristol,
    Liverpool, Berlin, Vienna, Paris, Naples, Havana, Rio, Kingston, Lagos, Bahia, Andes, Sahara, Celt, Appalachia, Louisiana,
    Carolina, Kentucky, Orient, Arabia, Persia, Anatolia, Balkans, Highland, Highlands, Palm, Desert, Beach, Wild, Old, World
""")
_MAKERS = comma_list("""
    Fender, Rhodes, Moog, Hammond, Leslie, Wurlitzer, Mellotron, Stratocaster, Strat, Telecaster, Tele, Gibson, Les, Paul, SG,
    Rickenbacker, Gretsch, Martin, Dobro, Resonator, Roland, Korg, Yamaha, Juno, Jupiter, Prophet, Oberheim, Arp, Minimoog, Linn,
    LinnDrum, Akai, Buchla, Vox, Marshall, Mesa, Clavinet, Pianet, Hohner, Steinway, Bösendorfer, Bechstein, Farfisa, Omnichord,
    Theremin, Ondes, Martenot, Vocoder, Talkbox, Auto-Tune, Autotune, Auto-Tuned, Autotuned, Melodyne, Lesley, Precision, Chapman,
    Stick, Stradivarius, Bigsby, Uilleann, Amen, Reese, Shepard, Dolby, Foley, Nintendo, Game, Boy, Commodore, Sega, Atari, Amiga,
    Ableton, Vinyl, Lo-Fi, Hi-Fi, Spector
""")
_TIMES = comma_list("""
    Christmas, Xmas, Easter, Halloween, Thanksgiving, Hanukkah, Diwali, Ramadan, Carnival, Mardi, Gras, Valentine's, Monday,
    Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, January, February, March, April, May, June, July, August, September,
    October, November, December, Day, Night, Eve, Year, Year's
""")
_TERMS = comma_list("""
    BPM, EDM, IDM, DJ, MC, MCs, DJs, R&B, RnB, UK, US, USA, U.K, U.S, TV, FX, SFX, LFO, FM, AM, MIDI, VHS, CD, LP, Hz, kHz, dB, EQ,
    DAW, VST, NYC, LA, ASMR, CCM, MPB, OK, K-Pop, J-Pop, C-Pop, Major, Minor, Dorian, Phrygian, Lydian, Mixolydian, Aeolian, Ionian,
    Locrian, Sharp, Flat, Allegro, Adagio, Andante, Largo, Presto, Vivace, Moderato, Lento, Rondo, Sonata, Op, No, Christian-rock,
    God, Jesus, Lord, Mass, Requiem, Bible, Santa, Western, Western-style, Earth, Alberti, Phryg, Neapolitan, Picardy, Tresillo,
    Bo-Diddley, Boom, Bap, Trap, Drill, Internet, Disney-like, Gothic, Viking, Sci-Fi, Punk, Italo, Nu, Neo, Euro, Afro-Beat,
    Afrobeat, Afrobeats, Amapiano, Highlife
""")


def fold(word: str) -> str:
    """Lower case without accents and with plain apostrophes: "Beyoncé" and "beyonce" are one name."""
    marks = unicodedata.normalize("NFKD", word.casefold()).replace("’", "'")
    return "".join(mark for mark in marks if not unicodedata.combining(mark))


def _words(names: tuple[str, ...]) -> set[str]:
    return {fold(word) for name in names for word in (name, *name.replace("-", " ").split())}


_LISTS = (_PEOPLES, _PLACES, _MAKERS, _TIMES, _TERMS, *LISTS.values())
ALLOWED = frozenset(set().union(*map(_words, _LISTS)))
"""Folded, with the words of the built-in vocabulary. With a capital they name a style, an instrument or a time, and no person."""
