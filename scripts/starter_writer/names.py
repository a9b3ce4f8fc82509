"""Titles and artists that nobody has: what the songs of the starter writer's training are called."""

from collections.abc import Callable, Sequence

from noise2music.core.data_files import comma_list

Pick = Callable[[Sequence[str]], str]

TITLE_WORDS: dict[str, tuple[str, ...]] = {
    "calm": comma_list(
        "Drift, Still, Lake, Snow, Lullaby, Moonlight, Breath, Quiet, Harbor, Moss, Cloud, Sleep, Pond, Feather, Dawn, Rest"
    ),
    "sad": comma_list(
        "Rain, Goodbye, Alone, Tears, Empty, Letters, Ashes, Lost, November, Farewell, Broken, Fading, Without, Winter, Gone"
    ),
    "dark": comma_list("Shadow, Crypt, Night, Raven, Blood, Grave, Abyss, Hollow, Wolf, Black, Iron, Ghost, Bones, Curse, Cellar, Fog"),
    "tense": comma_list("Chase, Alarm, Countdown, Wire, Pressure, Edge, Siren, Hunt, Trap, Minutes, Escape, Danger, Pulse, Warning"),
    "warm": comma_list("Love, Heart, Home, Coffee, Velvet, Honey, Kiss, Candle, Sunday, Embrace, Amber, Rose, Promise, Together"),
    "happy": comma_list("Sunshine, Holiday, Candy, Smile, Jump, Picnic, Balloon, Summer, Puppy, Parade, Hooray, Birthday, Bicycle, Laugh"),
    "energetic": comma_list("Fire, Run, Highway, Power, Thunder, Racer, Voltage, Ignite, Riot, Rocket, Speed, Burn, Wild, Rush, Storm"),
    "epic": comma_list("Kingdom, Throne, Dragon, Glory, Mountain, Empire, Quest, Victory, Legend, Crusade, Titan, Rise, Sword, Heroes"),
    "groovy": comma_list("Groove, Funk, Drive, Neon, City, Strut, Boogie, Rooftop, Disco, Cool, Corner, Midnight, Shuffle, Cruise"),
    "strange": comma_list("Robot, Mirror, Upside, Machine, Alien, Dream, Melt, Puzzle, Glass, Orbit, Static, Spiral, Error, Signal"),
}
"""Words of titles by the character that they hint at: the model may hear rain in "November Rain"."""

_PLAIN_WORDS = comma_list(
    "River, Street, Garden, Window, Paper, Stone, Road, Station, Valley, Field, Letter, Door, House, Morning, Evening, Blue, Silver, "
    "Golden, Green, Little, Old, New, Last, First, Second, Long, Year, Day, Hour, Water, Wind, Star, Moon, Bird, Fox, Tree, Island, "
    "Bridge, Train, Ship, Circus, Theatre, Tower, Square, Market, Mill, Gate, Lantern, Clock, Map, Story, Song, Waltz, Theme, Prelude, "
    "Interlude"
)
_LINKS = comma_list("of the, in the, at the, and the, under, over, without, for a, to the, on a")
_FIRST = comma_list(
    "Ida, Tom, Nell, Mara, Otis, Elena, Arvid, Junia, Benny, Kola, Lia, Walter, Siobhan, Sana, Mika, Ray, Delia, Marlo, Cass, Anders, Ana, "
    "Lars, Yuki, Paulo, Amira, Dmitri, Chidi, Rosa, Finn, Greta, Hugo, Ines, Jonas, Kaito, Lena, Milo, Noor, Petra, Quinn, Sven, Tamsin"
)
_SYLLABLES = comma_list(
    "ka, lo, mir, ven, dor, shi, ra, tel, bron, nes, wick, ol, far, quin, san, tor, bel, gre, hal, ny, pe, rus, sto, vi, zan"
)
_GROUPS = comma_list("Trio, Quartet, Ensemble, Orchestra, Collective, Sound System, Brothers, Sisters, Choir, Band, Project, Unit")
_LETTERS = comma_list("é, ö, ñ, ü, á, ø, å, ç")


def made_up_word(pick: Pick) -> str:
    """A word that no dictionary has, of two or three syllables, in lower case."""
    return "".join(pick(_SYLLABLES) for _ in range(int(pick(("2", "2", "3")))))


def make_title(pick: Pick, character: str) -> str:
    """A title that often holds a word of its character."""
    words = [pick(TITLE_WORDS[character]) if pick(("hint", "hint", "plain")) == "hint" else pick(_PLAIN_WORDS)]
    match pick(("one", "two", "two", "link", "number", "foreign", "three")):
        case "two":
            words.append(pick(_PLAIN_WORDS))
        case "three":
            words += [pick(_PLAIN_WORDS), pick(_PLAIN_WORDS)]
        case "link":
            words += [pick(_LINKS), pick(_PLAIN_WORDS)]
        case "number":
            words.append(pick(("No. 2", "No. 11", "(Remix)", "Pt. 2", "III", "1987", "7", "(Live)", "#4", "op. 9")))
        case "foreign":
            words = [made_up_word(pick).capitalize() + pick(_LETTERS), pick(_PLAIN_WORDS)]
    return " ".join(words)


def make_artist(pick: Pick) -> str:
    """A person, a group or a made-up word."""
    family = made_up_word(pick).capitalize()
    match pick(("person", "person", "word", "the", "group", "dj", "lower", "accent")):
        case "word":
            return family
        case "the":
            return f"The {pick(_PLAIN_WORDS)} {family}s"
        case "group":
            return f"{family} {pick(_GROUPS)}"
        case "dj":
            return f"DJ {family}"
        case "lower":
            return f"{family.lower()} & {pick(_FIRST)}"
        case "accent":
            return f"{pick(_FIRST)} {family}{pick(_LETTERS)}"
    return f"{pick(_FIRST)} {family}"
