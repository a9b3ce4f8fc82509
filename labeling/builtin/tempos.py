"""Tempo, metre and rhythmic feel."""

from labeling.builtin.lists import comma_list

TEMPOS = comma_list("""
    slow, very slow, slow tempo, slow beat, slow pulse, medium tempo, medium-slow tempo, mid-tempo, moderate tempo,
    medium fast tempo, fast, fast tempo, very fast tempo,

    fast-paced, upbeat tempo, up-tempo, breakneck speed, steady tempo, steady beat, steady pulse, constant rhythm,
    changing tempo, slowing down, speeding up, free tempo, no clear beat, no beat,

    half-time beat, double-time beat, four-on-the-floor beat, backbeat, shuffle rhythm, swing rhythm, syncopated rhythm,
    off-beat rhythm, polyrhythm, straight rhythm,

    waltz time, three-four time, six-eight time, odd metre, march rhythm, galloping rhythm, bouncy rhythm, simple beat,
    complex rhythm, laid-back groove, driving rhythm, tight groove,

    dance beat, repetitive beat, sparse rhythm, 60 bpm, 80 bpm, 100 bpm, 120 bpm, 140 bpm, 174 bpm
""")
