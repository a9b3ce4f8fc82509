"""Moods and feelings."""

from labeling.builtin.lists import comma_list

MOODS = comma_list("""
    calm, calming, peaceful, serene, tranquil, relaxing, relaxed, soothing, gentle, tender, soft, quiet, delicate,
    meditative, spiritual, contemplative,

    dreamy, ethereal, floating, hypnotic, mysterious, magical, enchanting, otherworldly, spacey, atmospheric, nostalgic,
    wistful, bittersweet, longing,

    sad, melancholic, mournful, sorrowful, lonely, heartbroken, tragic, somber, gloomy, bleak, emotional, sentimental,
    heartfelt, touching, intimate,

    romantic, passionate, sensual, sexy, seductive, warm, cozy, mellow, laid-back, chill, easygoing, carefree, smooth,
    soulful, groovy, funky,

    happy, cheerful, joyful, merry, sunny, bright, uplifting, optimistic, hopeful, inspiring, motivational, feel-good,
    fun, playful, funny, comical, quirky, silly, cute, whimsical, bouncy,

    catchy, lively, upbeat, festive, celebratory, energetic, exciting, exhilarating, powerful, driving, intense,
    aggressive, angry, fierce, rebellious, wild, chaotic, frantic, loud,

    epic, heroic, majestic, triumphant, victorious, grand, noble, solemn, patriotic, adventurous, dramatic, theatrical,
    bold, confident, determined,

    dark, sinister, ominous, menacing, eerie, creepy, spooky, haunting, scary, unsettling, tense, suspenseful, anxious,
    dangerous, cold, mechanical, brooding,

    weird, strange, surreal, psychedelic, futuristic, retro feel, elegant, sophisticated, classy, graceful,
    stately, rustic, earthy, tribal, urban, gritty, raw, hard-hitting, danceable, beautiful
""")
