"""What an instrument or a voice does in a sentence: verb phrases by role, in the base form, with slots for adjectives."""

_STRUMMED = ("guitar", "guitars", "ukulele", "banjo", "bouzouki", "balalaika", "lute")
_KEYS = ("piano", "rhodes", "harpsichord", "clavinet", "keyboards", "celesta")
_PLUCKED = ("harp", "koto", "guzheng", "yangqin", "zither", "qanun", "santoor", "kora")
_STRUCK = ("marimba", "mallets", "gongs", "bells", "metallophones", "drums", "bowls", "chimes")
_MARKS = (
    "claps",
    "snaps",
    "stomps",
    "cowbell",
    "gong",
    "bells",
    "hi-hats",
    "rimshots",
    "cymbals",
    "claves",
    "castanets",
    "woodblock",
    "kick",
)
_TEXTURE = ("recordings", "noise", "loops", "feedback", "drones", "drone", "tanpura")

_LEADING = (
    "play a {line} melody",
    "carry a {line} melody",
    "play a {line} theme",
    "lead with a {line} melody",
    "play {line} phrases",
    "come back to a {line} motif",
    "take the lead",
    "improvise around a {line} theme",
    "play the main melody",
)


def leading(name: str) -> tuple[str, ...]:
    """Verb phrases for the instrument that has the melody."""
    if name.endswith(("arpeggio", "arpeggios")):
        return ("run through the whole {piece}", "play a {line} pattern", "set a {line} pattern")
    if name.endswith("stabs"):
        return ("play a {line} pattern", "answer each other", "cut through the mix")
    if name.endswith(("guitar", "guitars")):
        return (*_LEADING, "pick a {line} melody", "play a {line} riff")
    return _LEADING


def accompanying(name: str) -> tuple[str, ...]:
    """Verb phrases for the instruments that carry the harmony."""
    if name.endswith(_TEXTURE):
        return ("fill the background", "hum underneath", "stay in the background")
    if name.endswith(("arpeggios", "stabs", "chords", "bleeping synth")):
        return ("fill out the harmony", "repeat underneath", "support the melody")
    if name.endswith(_STRUCK):
        return ("play a repeating pattern", "ring out in the background", "answer the melody")
    if name.startswith("strummed"):
        return ("keep the rhythm", "play {touch} chords", "support the melody")
    if name.endswith(_STRUMMED):
        return ("play {touch} chords", "strum {touch} chords", "strum along", "play arpeggios", "support the melody")
    if name.endswith((*_KEYS, *_PLUCKED)):
        return ("play {touch} chords", "play arpeggios", "play broken chords", "fill in the harmony", "support the melody")
    return ("hold long chords", "fill the background", "swell underneath", "support the melody", "play sustained notes")


def bassing(name: str) -> tuple[str, ...]:
    """Verb phrases for the bass."""
    if name.endswith(("drone", "rumble")):
        return ("hum underneath", "hold a single low note", "lie underneath everything")
    if name.endswith(("bassline", "line")):
        return ("move underneath", "drive the {piece}", "run underneath")
    return (
        "play a {line} bass line",
        "hold down the low end",
        "follow the root notes",
        "move in steady notes underneath",
        "play a steady bass line",
    )


def drumming(name: str) -> tuple[str, ...]:
    """Verb phrases for whatever keeps the beat."""
    if name.endswith(
        (
            "claps",
            "snaps",
            "stomps",
            "cowbell",
            "gong",
            "bells",
            "hi-hats",
            "rimshots",
            "cymbals",
            "claves",
            "castanets",
            "woodblock",
            "kick",
        )
    ):
        return ("mark the beat", "mark every beat", "keep the pulse")
    return ("play a {drumming} beat", "keep a {drumming} rhythm", "keep time", "play a {drumming} groove", "set a {drumming} pulse")


def singing(name: str) -> tuple[str, ...]:
    """Verb phrases for a voice."""
    if name.endswith(("rapper", "mc")):
        return ("rap", "rap rhythmically", "deliver {line} verses")
    if name.startswith(("robotic", "sampled", "chopped", "vocoded", "distorted")):
        return ("repeat a short phrase", "come in now and then", "appear between the verses")
    if name.startswith(("whispering", "humming", "chanting", "wailing", "shouting", "screaming", "growling", "scat")):
        return ("take the lead", "stand in front", "come in now and then", "answer the instruments")
    if name.startswith("wordless"):
        return ("float above the music", "sing long notes", "sing without words")
    if "choir" in name or "group" in name:
        return ("sing in harmony", "sing a {line} melody", "sing sustained chords", "sing together")
    return ("sing a {line} melody", "sing", "sing the main melody", "sing with feeling", "sing long phrases", "sing a {line} tune")
