"""Genres and regional styles, as one would type them."""

from labeling.builtin.lists import comma_list

GENRES = comma_list("""
    classical, classical music, baroque, renaissance music, early music, romantic classical, impressionist classical,
    modern classical,

    neoclassical, minimalism, chamber music, string quartet, symphony, concerto, opera, operetta, waltz, minuet,
    nocturne, étude, sonata,

    orchestral, orchestral music, symphonic, film score, cinematic, soundtrack, epic orchestral, trailer music, musical
    theatre, choral music,

    sacred music, gospel, hymn, gregorian chant, military march, marching band, brass band music, fanfare, circus music,
    ambient, dark ambient, space ambient, drone, soundscape, field recording, new age, meditation music, healing music,
    easy listening,

    lounge, chillout, chillwave, downtempo, trip hop, lofi, lofi hip hop, chillhop, vaporwave, elevator music,

    chiptune, 8-bit, 8-bit game music, 16-bit game music, video game music, platform game music, role-playing game
    music, boss battle music, racing game music,

    jazz, smooth jazz, swing, big band, bebop, cool jazz, jazz fusion, jazz ballad, hot club jazz, latin jazz, ragtime,
    dixieland, bossa nova, jazz trio,

    folk, folk pop, indie folk, contemporary folk, folk ballad, singer-songwriter, acoustic, americana, bluegrass,
    country, country rock, country pop, honky-tonk,

    western, sea shanty, celtic, celtic folk, irish jig, scottish folk, nordic folk, medieval folk, balkan folk,
    klezmer, polka, tarantella,

    eastern european folk, russian folk, greek folk, campfire song, lullaby, children's song, nursery rhyme, christmas
    music, holiday song,

    pop, pop rock, indie pop, synth-pop, dream pop, electropop, dance pop, teen pop, power ballad, pop ballad, europop,
    k-pop, j-pop, city pop, britpop,

    oldies, doo-wop, 50s rock and roll, 60s pop, 70s disco, 80s pop, 90s pop, 2000s pop, retro, vintage, 60s, 70s, 80s,
    90s, rock, classic rock, hard rock, soft rock, indie rock, alternative rock, alternative, garage rock, surf rock,
    psychedelic rock, progressive rock,

    post-rock, math rock, blues rock, rockabilly, rock and roll, grunge, shoegaze, punk, pop punk, punk rock, post-punk,
    new wave, emo,

    heavy metal, metal, thrash metal, death metal, black metal, doom metal, power metal, symphonic metal, nu metal,
    metalcore, industrial metal,

    electronic, electronica, electro, electronic dance music, dance, club music, techno, minimal techno, detroit techno,
    acid techno, hard techno, house, deep house,

    acid house, progressive house, tech house, electro house, tropical house, future bass, trance, progressive trance,
    psytrance, uplifting trance,

    eurodance, hardstyle, gabber, drum and bass, liquid drum and bass, jungle, breakbeat, big beat, dubstep, brostep, uk
    garage, synthwave, italo disco,

    industrial, glitch, idm, experimental, experimental electronic, noise music, avant-garde, musique concrète,
    electroacoustic,

    hip hop, old school hip hop, boom bap, trap, drill, gangsta rap, instrumental hip hop, cloud rap, rap,

    blues, delta blues, chicago blues, slow blues, electric blues, rhythm and blues, R&B, contemporary R&B, neo soul,
    soul, funk, disco, nu disco, jazz-funk,

    reggae, roots reggae, dub, dancehall, ska, rocksteady, reggaeton, calypso, soca, steel band music,

    latin, latin pop, salsa, merengue, bachata, cumbia, samba, tango, mambo, cha-cha-cha, bolero, rumba, son cubano,
    forró, mariachi, ranchera, flamenco, fado, andean folk,

    african music, afrobeat, afropop, highlife, soukous, desert blues, gnawa, african drumming, south african choral
    music, kora music,

    indian classical, hindustani classical, carnatic music, bollywood, bhangra, raga, qawwali, indian devotional music,
    arabic music, arabic pop, turkish folk, persian classical, middle eastern, oud music,

    asian folk, chinese traditional, japanese traditional, korean traditional, gamelan, mongolian throat singing, thai
    folk, vietnamese folk,

    hawaiian music, polynesian drumming, world music, world fusion, corporate music, background music, library music
""")
