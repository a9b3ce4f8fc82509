"""Instruments, how they are played, and the ones that are absent."""

from labeling.builtin.lists import comma_list

INSTRUMENTS = comma_list("""
    piano, solo piano, soft piano, grand piano, upright piano, felt piano, honky-tonk piano, toy piano, piano melody,
    piano chords, piano arpeggios,

    electric piano, rhodes, rhodes chords, wurlitzer, clavinet, harpsichord, celesta, organ, church organ, pipe organ,
    hammond organ, harmonium, melodica,

    accordion, concertina, bandoneon, harmonica, keyboard, mellotron, keyboard harmony,

    guitar, acoustic guitar, fingerpicked acoustic guitar, strummed acoustic guitar, classical guitar, nylon-string
    guitar, flamenco guitar, twelve-string guitar,

    steel guitar, slide guitar, lap steel, electric guitar, clean electric guitar, distorted electric guitar, overdriven
    guitar, wah guitar, palm-muted guitar,

    electric guitar solo, electric guitar riff, guitar solo, guitar arpeggios, guitar duo, power chords, jazz guitar,
    rhythm guitar, lead guitar, tremolo guitar, guitar harmonics,

    ukulele, banjo, mandolin, bouzouki, lute, balalaika, charango, dulcimer, zither, autoharp,

    harp, harp glissando, celtic harp, kora, koto, guzheng, pipa, erhu, shamisen, oud, saz, sitar, sarod, tanpura,
    santoor, veena, rubab,

    violin, solo violin, fiddle, viola, cello, solo cello, double bass, upright bass, strings, string orchestra, string
    section, pizzicato strings, sustained strings,

    staccato strings, tremolo strings, string trio, orchestral strings, orchestra, full orchestra, chamber
    orchestra, hurdy-gurdy, nyckelharpa,

    flute, solo flute, piccolo, alto flute, bamboo flute, pan flute, recorder, tin whistle, ocarina, shakuhachi,
    bansuri, ney,

    clarinet, bass clarinet, oboe, cor anglais, bassoon, duduk, bagpipes, shehnai, woodwinds, woodwind section,

    saxophone, alto saxophone, tenor saxophone, baritone saxophone, soprano saxophone, saxophone solo,

    trumpet, muted trumpet, solo trumpet, trombone, french horn, horn, tuba, euphonium, brass, brass section, horn
    section, brass stabs, didgeridoo, alphorn,

    synthesizer, synth, analog synth, modular synth, synth pad, warm synth pads, synth lead, synth arpeggio, synth
    strings, synth brass, synth plucks, synth stabs, synth melody,

    supersaw lead, fm synth, square wave lead, pulse wave melody, chip sounds, vocoder, theremin, sampler, vocal
    samples, theremin melody,

    bass, bass guitar, electric bass, slap bass, fretless bass, synth bass, sub bass, acid bassline, wobble bass, 808
    bass, walking bass, groovy bassline, deep bass, bass drop, bass drone,

    drums, acoustic drums, drum kit, live drums, brushed drums, drum machine, electronic drums, programmed drums, 808
    drums, drum loop, drum fill, drum solo, drum roll,

    kick drum, four-on-the-floor kick, snare drum, rimshots, hi-hats, trap hi-hats, cymbals, cymbal crash, toms, double
    kick, blast beats, breakbeats, noise percussion,

    percussion, hand percussion, hand drums, latin percussion, african percussion, orchestral percussion, frame drum,
    djembe, congas, bongos, timbales, cajon, bodhrán, taiko drums, tabla, dhol,

    darbuka, steel drums, talking drum, timpani, bass drum, marching snare, tambourine, shaker, maracas, claves,
    cowbell, triangle, castanets, woodblock, guiro, finger snaps,

    handclaps, foot stomps, body percussion, gong, singing bowls, bells, church bells, tubular bells, sleigh bells, wind
    chimes, music box,

    glockenspiel, xylophone, vibraphone, marimba, mallets, mallet percussion, balafon, kalimba, hang drum, steel tongue
    drum, glass harmonica, jew's harp, turntable scratches, whistling melody,

    no drums, no percussion, no bass, no guitar, no piano, no other instruments, solo instrument, unaccompanied
    instrument, drumless
""")
