"""Scores and their truth, without rendering a sample."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.synth.arrangement import CENTRES
from noise2music.synth.chance import Chance
from noise2music.synth.composer import compose
from noise2music.synth.drums import grooves, kits
from noise2music.synth.genres import genres
from noise2music.synth.harmony import KEYS, PROGRESSIONS, SCALES, chord, nearest, voiced
from noise2music.synth.instruments import instruments
from noise2music.synth.parts import TICKS, bass_bar, comped, swung, tick_to_sample
from noise2music.synth.truth import MOODS, REGISTERS, Truth, arousal


@cache
def pieces():
    return [compose(0, index) for index in range(200)]


def test_every_truth_is_filled_in():
    for piece in pieces():
        truth = piece.truth
        assert truth.genre
        assert truth.instruments
        assert truth.moods
        assert truth.key in KEYS
        assert truth.mode in SCALES
        assert truth.register in REGISTERS
        assert 56 <= truth.bpm <= 176
        assert piece.title
        assert piece.artist
        assert all(tag.strip() for tag in truth.tags())
        assert len(set(truth.tags())) == len(truth.tags())
        assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in truth.captions())


def test_two_hundred_pieces_cover_all_values():
    truths = [piece.truth for piece in pieces()]
    assert {truth.genre for truth in truths} == {genre.name for genre in genres()}
    assert {truth.mode for truth in truths} == {"major", "minor"}
    assert {truth.key for truth in truths} == set(KEYS)
    assert {truth.register for truth in truths} == set(REGISTERS)
    assert {truth.drums for truth in truths} == {True, False}
    assert {truth.tempo for truth in truths} == {"slow", "medium", "fast"}
    assert {truth.beats for truth in truths} == {3, 4}
    heard = {name for truth in truths for name in truth.instruments}
    assert heard == set(instruments()) | {kit.name for kit in kits()}
    assert {mood for truth in truths for mood in truth.moods} >= {mood for row in MOODS.values() for mood in row}
    assert len({(piece.title, piece.artist) for piece in pieces()}) > 190


def test_no_value_dwarfs_the_others():
    registers = Counter(piece.truth.register for piece in pieces())
    assert min(registers.values()) > 30
    assert 40 < sum(piece.truth.mode == "minor" for piece in pieces()) < 160


def test_instruments_are_those_that_play():
    for piece in pieces():
        names = [part.timbre.name for part in piece.parts]
        assert list(piece.truth.instruments) == list(dict.fromkeys(names + ([piece.beat.kit.name] if piece.beat else [])))
        assert all(part.notes for part in piece.parts)
        assert piece.truth.drums == (piece.beat is not None)


def test_notes_are_in_the_instruments_range_and_within_the_piece():
    for piece in pieces():
        end = int(piece.seconds * 24000)
        for part in piece.parts:
            for note in part.notes:
                assert part.timbre.low <= note.pitch <= part.timbre.high + 3
                assert note.ticks > 0
                assert 0 < note.velocity <= 1
                assert tick_to_sample(note.start + note.ticks, piece.truth.bpm, 24000) <= end


def test_lead_keeps_to_its_register():
    for piece in pieces():
        pitches = [note.pitch for note in piece.parts[0].notes]
        assert abs(sum(pitches) / len(pitches) - CENTRES[piece.truth.register][0]) < 8


def test_notes_belong_to_the_key():
    by_name = {genre.name: genre for genre in genres()}
    for piece in pieces():
        if piece.truth.genre in ("blues", "jazz"):
            continue
        tonic = KEYS.index(piece.truth.key)
        allowed = {(tonic + step) % 12 for step in SCALES[piece.truth.mode]}
        if piece.truth.mode == "minor":
            allowed.add((tonic + 11) % 12)
        for part in piece.parts:
            stray = sum(note.pitch % 12 not in allowed for note in part.notes)
            # Only a walking bass leaves the key: the last note of a bar may be a semitone from the next root.
            walks = "walk" in by_name[piece.truth.genre].bass_lines and part.timbre.name in by_name[piece.truth.genre].basses
            assert stray <= (0.26 * len(part.notes) if walks else 0)


def test_lead_and_chords_rarely_clash():
    clash = together = 0
    for piece in pieces():
        lead, chords = piece.parts[0], piece.parts[1 if len(piece.parts) > 1 else 0]
        for note in lead.notes:
            for other in chords.notes:
                overlap = min(note.start + note.ticks, other.start + other.ticks) - max(note.start, other.start)
                if overlap > 0:
                    together += overlap
                    clash += overlap * ((note.pitch - other.pitch) % 12 in (1, 11))
    assert clash < 0.06 * together


def test_moods_agree_with_mode_and_liveliness():
    of_quadrant = {mood: quadrant for quadrant, moods in MOODS.items() for mood in moods}
    by_genre = {genre.name: genre for genre in genres()}
    for piece in pieces():
        truth = piece.truth
        feel = arousal(truth.bpm, truth.drums, by_genre[truth.genre].push)
        assert all(of_quadrant[mood] == (truth.mode, feel) for mood in truth.moods[:2])
    assert arousal(60, False, 0) == "calm"
    assert arousal(110, False, 0) == "steady"
    assert arousal(120, True, 0) == "lively"


def test_a_piece_is_a_function_of_seed_and_index():
    assert compose(0, 5) == pieces()[5]
    assert compose(1, 5) != pieces()[5]
    assert compose(-3, 5) == compose(-3, 5)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 10.0, 61.5])
def test_any_length_has_a_tune(seconds):
    for index in range(12):
        piece = compose(3, index, seconds)
        assert piece.truth.instruments[0] == piece.parts[0].timbre.name
        first = min(note.start for part in piece.parts for note in part.notes)
        assert tick_to_sample(first, piece.truth.bpm, 24000) < 12000


@pytest.mark.parametrize("seconds", [0.0, 0.5, 601.0, float("nan")])
def test_a_length_out_of_bounds_is_an_error(seconds):
    with pytest.raises(UserError, match="between 1 and 600"):
        compose(0, 0, seconds)


@given(st.integers(0, 11), st.sampled_from(["major", "minor"]), st.integers(1, 7), st.booleans())
def test_chords_are_thirds_of_their_scale(tonic, mode, degree, seventh):
    harmony = chord(tonic, mode, degree, seventh)
    assert len(harmony.tones) == (4 if seventh else 3)
    assert set(harmony.tones) <= set(harmony.scale)
    gaps = [(above - below) % 12 for below, above in zip(harmony.tones, harmony.tones[1:], strict=False)]
    assert all(gap in (3, 4) for gap in gaps)


@given(st.integers(0, 11), st.sampled_from(["major", "minor"]), st.booleans(), st.integers(48, 72), st.data())
@settings(max_examples=40)
def test_chords_move_by_small_steps(tonic, mode, seventh, centre, data):
    before: tuple[int, ...] = ()
    for degree in data.draw(st.sampled_from(PROGRESSIONS[mode])):
        harmony = chord(tonic, mode, degree, seventh)
        voicing = voiced(harmony, centre, before, centre - 12, centre + 14)
        assert {pitch % 12 for pitch in voicing} == set(harmony.tones)
        assert list(voicing) == sorted(voicing)
        assert voicing[-1] - voicing[0] < 12
        assert centre - 12 <= voicing[0]
        if before:
            assert abs(sum(voicing) / len(voicing) - sum(before) / len(before)) < 6
        before = voicing
    with pytest.raises(ValueError, match="no room"):
        voiced(harmony, centre, (), centre, centre + 1)


def test_first_bar_of_minor_dominant_is_major():
    assert chord(9, "minor", 5, False).tones == (4, 8, 11)
    assert chord(9, "minor", 1, False).tones == (9, 0, 4)
    assert chord(0, "major", 1, True, dominant=True).tones == (0, 4, 7, 10)


def test_every_way_of_playing_fills_its_bar():
    harmony, following = chord(0, "major", 1, True), chord(0, "major", 4, True)
    voicing = voiced(harmony, 60, (), 48, 76)
    for beats in (3, 4):
        for genre in genres():
            for style in genre.comping:
                notes = comped(style, voicing, beats, Chance(0, ("test",)), 0.5)
                assert notes
                assert all(0 <= note.start < beats * TICKS for note in notes)
            for style in genre.bass_lines:
                assert all(0 <= note.start < beats * TICKS for note in bass_bar(style, harmony, following, 40, 28, beats, 0.5))
            assert set(genre.grooves) <= set(grooves())
            assert {*genre.leads, *genre.chords, *genre.basses, *genre.pads} <= set(instruments())
            assert set(genre.kits) <= {kit.preset for kit in kits()}
    with pytest.raises(ValueError, match="no way"):
        comped("yodel", voicing, 4, Chance(0, ()), 0.5)
    with pytest.raises(ValueError, match="no bass line"):
        bass_bar("yodel", harmony, following, 40, 28, 4, 0.5)


def test_grooves_have_sixteen_steps_or_twelve():
    for name, pattern in grooves().items():
        assert {len(marks) for marks in pattern.values()} == {12 if name == "waltz" else 16}


def test_swing_moves_only_off_beats():
    assert [swung(tick, True) for tick in (0, 6, 12, 18, 24, 36)] == [0, 8, 16, 20, 24, 40]
    assert swung(12, False) == 12


def test_nearest_pitch():
    assert nearest(0, 60) == 60
    assert nearest(11, 60) == 59
    assert nearest(6, 60) == 54


def test_captions_speak_of_one_or_many():
    truth = Truth("folk", ("harp",), ("calm",), 70, "G", "major", "low", False, 3)
    assert truth.captions()[0] == "A calm folk piece with harp."
    assert {"solo harp", "waltz", "no drums", "slow tempo", "major key"} <= set(truth.tags())


def test_chance_depends_on_every_word_of_the_purpose():
    chance = Chance(1, (2,))
    assert chance.uniform("a") == Chance(1, (2,)).uniform("a")
    assert len({chance.uniform("a"), chance.uniform("b"), chance.at("a").uniform("b"), Chance(2, (2,)).uniform("a")}) == 4
    assert sorted(chance.some(range(5), 9, "all")) == [0, 1, 2, 3, 4]
    drawn = Counter(chance.weighted((("x", 1.0), ("y", 3.0)), place) for place in range(2000))
    assert drawn["y"] / 2000 == pytest.approx(0.75, abs=0.05)
    assert {chance.whole(2, 4, place) for place in range(100)} == {2, 3, 4}
