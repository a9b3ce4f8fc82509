"""Drum patterns, 4 steps a beat: X is loud, x is normal, o is soft."""

from labeling.render.chance import Chance
from labeling.render.notes import TICKS, Stroke

STEP_TICKS = TICKS // 4
_LOUDNESS = {"X": 1.0, "x": 0.75, "o": 0.4}

GROOVES: dict[str, dict[str, str]] = {
    "rock": {"kick": "X.......x.x.....", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
    "punk": {"kick": "X...x...x.x.x...", "snare": "..X...X...X...X.", "hat": "x.x.x.x.x.x.x.x."},
    "pop": {"kick": "X.....x.X.......", "snare": "....X.......X..o", "hat": "x.x.x.x.x.x.x.x.", "shaker": "..o...o...o...o."},
    "four": {"kick": "X...X...X...X...", "clap": "....X.......X...", "open hat": "..x...x...x...x.", "hat": "o..oo..oo..oo..o"},
    "techno": {"kick": "X...X...X...X...", "hat": "..x...x...x...x.", "rim": "...o..o....o..o.", "clap": "............x..."},
    "funk": {"kick": "X.x.......x..x..", "snare": "....X..o.o..X..o", "hat": "x.xox.xox.xox.xo"},
    "one drop": {"kick": "........X.......", "rim": "........X.......", "hat": "x.o.x.o.x.o.x.o."},
    "hip hop": {"kick": "X..x......x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.xo"},
    "trap": {"kick": "X......x..x.....", "clap": "........X.......", "hat": "x.x.xoxox.x.xxxx", "open hat": "......o........."},
    "swing": {"ride": "x...X.x.x...X.x.", "hat": "....o.......o...", "kick": "o.......o.......", "snare": "......o........."},
    "shuffle": {"kick": "X.......X.....o.", "snare": "....X.......X...", "ride": "x.o.x.o.x.o.x.o."},
    "train": {"kick": "X.......X.......", "snare": "oooXoooXoooXoooX", "hat": "....x.......x..."},
    "bossa": {"kick": "X..xX..xX..xX..x", "rim": "x..x..x...x..x..", "hat": "x.o.x.o.x.o.x.o."},
    "clave": {"kick": "X.....x.....x...", "rim": "x..x..x...x.x...", "shaker": "x.o.x.o.x.o.x.o.", "high tom": "..............x."},
    "march": {"kick": "X.......X.......", "snare": "x.ooX.o.x.ooX.xx"},
    "waltz": {"kick": "X...........", "snare": "....x...x...", "hat": "x...o...o..."},
}


def groove_bar(name: str, beats: int, chance: Chance, fill: bool, opening: bool, hats_only: bool, energy: float) -> list[Stroke]:
    """One bar of drums from tick 0. `fill` ends it on toms, `opening` starts it with a crash, `hats_only` is an introduction."""
    pattern = GROOVES["waltz" if beats == 3 else name]
    steps = beats * 4
    cut = steps - 4 if fill else steps
    loud = 0.75 + 0.25 * energy
    strokes = [
        Stroke(place * STEP_TICKS, drum, loud * _LOUDNESS[mark] * (0.92 + 0.08 * chance.uniform("hit", drum, place)))
        for drum, marks in pattern.items()
        for place, mark in enumerate(marks[:cut])
        if mark != "." and not (hats_only and drum in ("kick", "snare", "clap", "high tom"))
    ]
    if hats_only and not any(stroke.start == 0 for stroke in strokes):
        strokes.append(Stroke(0, "hat", loud * 0.7))
    if fill:
        drums = chance.pick(
            (
                ("snare", "snare", "high tom", "low tom"),
                ("high tom", "high tom", "low tom", "low tom"),
                ("snare", "snare", "snare", "snare"),
            )
        )
        strokes += [Stroke((cut + place) * STEP_TICKS, drum, loud * (0.65 + 0.1 * place)) for place, drum in enumerate(drums)]
        strokes.append(Stroke(cut * STEP_TICKS, "kick", 0.8 * loud))
    if opening:
        strokes.append(Stroke(0, "crash", 0.8 * loud))
    return strokes
