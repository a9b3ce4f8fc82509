"""How the music is recorded, mixed and built up."""

from labeling.builtin.lists import comma_list

PRODUCTIONS = comma_list("""
    high quality recording, studio recording, clean mix, polished production, modern production, vintage recording, old
    recording, low quality recording, poor audio quality, amateur recording,

    live recording, live performance, concert recording, home recording, demo recording, mono recording, wide stereo,
    noisy recording, muffled sound, distorted sound, tape hiss, vinyl crackle, vinyl noise,

    lo-fi sound, bitcrushed, warm analog sound, dry sound, close recording, reverb, heavy reverb, large hall reverb,
    long echo, delay effects, chorus effect, phaser effect, flanger effect, tremolo effect,

    sidechain pumping, heavy compression, filter sweep, riser, build-up, drop, breakdown, fade in, fade out, reversed
    sounds, stutter edits, chopped samples, looped sample, loop, one shot, sound effect,

    simple arrangement, minimal arrangement, sparse arrangement, dense texture, layered texture, full arrangement, wall
    of sound, solo performance, duo performance, ensemble performance,

    repetitive melody, simple melody, catchy melody, complex melody, ascending melody, descending melody, high-pitched
    melody, low-pitched melody, arpeggiated melody, ostinato, sustained notes, long drone,

    staccato notes, rich harmonies, jazzy chords, dissonant chords, major key, minor key, chord progression, call and
    response, improvisation, counterpoint, crescendo, quiet dynamics, loud dynamics, sudden silence,

    catchy riff, catchy hook, steady bassline, acoustic sound, electronic sounds, orchestral arrangement, string
    arrangement, brass arrangement, metronome click, hand-played feel,

    rain sounds, ocean waves, birdsong, wind noise, thunder, fire crackling, city noise, crowd noise, applause,
    laughter, static noise, white noise, radio effect, water sounds
""")
