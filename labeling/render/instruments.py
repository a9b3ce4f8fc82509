"""Every pitched instrument."""

from labeling.render.keyboards import KEYBOARDS
from labeling.render.plucked import PLUCKED
from labeling.render.struck import STRUCK
from labeling.render.sustained import SUSTAINED

INSTRUMENTS = {timbre.name: timbre for timbre in (*KEYBOARDS, *PLUCKED, *STRUCK, *SUSTAINED)}

# Those on which one player has a tune and chords at once.
SOLOISTS = (
    "piano",
    "electric piano",
    "organ",
    "harpsichord",
    "accordion",
    "acoustic guitar",
    "electric guitar",
    "harp",
    "marimba",
    "vibraphone",
    "music box",
    "synth pad",
)
