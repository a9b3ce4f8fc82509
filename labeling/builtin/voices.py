"""Singing, speech, and their absence."""

from labeling.builtin.lists import comma_list

VOICES = comma_list("""
    vocals, vocal, voice, singing, lead vocals, male vocals, male vocal, male voice, male singer, man singing, female
    vocals, female vocal, female voice, female singer, woman singing,

    female vocalist, male vocalist, duet, male and female duet, soft female vocal, soft male vocal, powerful female
    vocal, powerful male vocal, passionate male vocal, passionate female vocal,

    breathy female vocal, husky female voice, high-pitched female voice, deep male voice, low male voice, raspy male
    voice, smooth male vocal, emotional vocals, soulful vocals,

    melodic singing, falsetto, operatic soprano, operatic tenor, baritone singer, opera singing, child singing,
    children's choir, choir, male choir, female choir, mixed choir, church choir, gospel choir,

    choir harmonies, vocal harmonies, backing vocals, background vocals, call and response vocals, a cappella, humming,
    whistling, scat singing, yodelling, chanting, chanting monks,

    throat singing, wordless vocals, vocal chops, pitched-up vocals, auto-tuned vocals, vocoder vocals, robotic voice,
    whispering, spoken word, speech, narration,

    rapping, male rapping, female rapping, fast rapping, aggressive rapping, shouting, screaming vocals, growling
    vocals, crowd singing, beatboxing, ad-libs,

    vocals in English, vocals in Spanish, vocals in a foreign language, instrumental, instrumental music, no vocals, no
    vocal, no voice, no singing, no singer
""")
