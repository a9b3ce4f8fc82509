"""Characters: moods that go together with the tempi, touches and places that suit them.

A sentence draws one character and takes all its words from it, so "calm" never meets "frantic" and "slow" never meets "fast".
"""

from dataclasses import dataclass

from labeling.builtin.lists import comma_list


@dataclass(frozen=True)
class Character:
    """Words that agree with each other.

    pace: adjectives of tempo. bpm: range of beats a minute, both ends included. touch: adjectives of an instrument's sound.
    line: adjectives of what is played. drumming: of a beat. singing: of a voice. scenes: what the music suits, after "for".
    """

    moods: tuple[str, ...]
    pace: tuple[str, ...]
    bpm: tuple[int, int]
    touch: tuple[str, ...]
    line: tuple[str, ...]
    drumming: tuple[str, ...]
    singing: tuple[str, ...]
    scenes: tuple[str, ...]


SLOW = comma_list("slow, unhurried, slow-paced, very slow")
MEDIUM = comma_list("mid-tempo, moderately paced, steady, medium-tempo")
FAST = comma_list("fast, up-tempo, fast-paced, quick, brisk")

CHARACTERS: dict[str, Character] = {
    "calm": Character(
        moods=comma_list("calm, peaceful, serene, tranquil, relaxing, soothing, gentle, meditative, dreamy, quiet, soft, mellow, restful"),
        pace=SLOW,
        bpm=(54, 80),
        touch=comma_list("soft, gentle, warm, delicate, distant, mellow, quiet, airy, muted"),
        line=comma_list("simple, slow, soothing, gentle, floating, sparse, tender, repeating"),
        drumming=comma_list("soft, slow, sparse, light, simple"),
        singing=comma_list("soft, breathy, gentle, airy, quiet, tender"),
        scenes=comma_list(
            "a yoga class, falling asleep, a quiet evening at home, meditation, a long bath, reading a book, "
            "watching the snow fall, a nature documentary, a slow morning, a spa, studying late at night, a walk "
            "by the sea, putting a baby to sleep, a breathing exercise, a sunset over a lake"
        ),
    ),
    "sad": Character(
        moods=comma_list(
            "sad, melancholic, mournful, lonely, sorrowful, bittersweet, wistful, emotional, nostalgic, yearning, heartbroken"
        ),
        pace=SLOW,
        bpm=(52, 78),
        touch=comma_list("soft, warm, plaintive, delicate, lonely, muted, distant, fragile"),
        line=comma_list("sad, slow, mournful, falling, simple, tender, lyrical, plaintive"),
        drumming=comma_list("slow, soft, sparse, simple, hesitant"),
        singing=comma_list("sad, emotional, fragile, trembling, tender, plaintive"),
        scenes=comma_list(
            "a farewell scene, a rainy day, a sad scene in a film, a funeral, remembering old times, the end of a "
            "love story, an empty street at night, saying goodbye to a friend, a lonely walk home, a "
            "documentary about loss"
        ),
    ),
    "dark": Character(
        moods=comma_list("dark, ominous, eerie, haunting, sinister, brooding, creepy, mysterious, gloomy, unsettling, cold, menacing"),
        pace=(*SLOW, "steady"),
        bpm=(56, 92),
        touch=comma_list("low, dark, murky, cold, hollow, rumbling, distant, dissonant"),
        line=comma_list("dark, low, slow, creeping, dissonant, repeating, brooding, minor-key"),
        drumming=comma_list("heavy, slow, pounding, dull, distant"),
        singing=comma_list("low, ghostly, dark, hushed, haunting"),
        scenes=comma_list(
            "a horror film, a haunted house, a thriller, walking through a dungeon, a villain's entrance, an "
            "abandoned factory, a nightmare, a crime documentary, a cave level in a game, a ghost story, a "
            "deserted planet"
        ),
    ),
    "tense": Character(
        moods=comma_list("tense, suspenseful, urgent, nervous, anxious, restless, dramatic, dangerous"),
        pace=comma_list("fast, steady, fast-paced, relentless, quick"),
        bpm=(112, 150),
        touch=comma_list("sharp, staccato, tense, low, hard, dry, insistent"),
        line=comma_list("repeating, rising, tense, nervous, insistent, rapid, short"),
        drumming=comma_list("relentless, ticking, pounding, hard, insistent"),
        singing=comma_list("urgent, tense, strained, sharp"),
        scenes=comma_list(
            "a chase scene, a countdown, a heist film, a spy film, a race against time, a detective story, a "
            "stealth level in a game, breaking news, an escape"
        ),
    ),
    "warm": Character(
        moods=comma_list("warm, romantic, tender, sentimental, heartfelt, intimate, soulful, smooth, cozy, easygoing, mellow"),
        pace=(*MEDIUM, "slow", "unhurried", "relaxed"),
        bpm=(66, 100),
        touch=comma_list("warm, smooth, mellow, rich, soft, round, velvety"),
        line=comma_list("smooth, lyrical, tender, simple, flowing, warm, singable"),
        drumming=comma_list("soft, simple, steady, light, laid-back"),
        singing=comma_list("warm, smooth, soulful, tender, husky, breathy"),
        scenes=comma_list(
            "a candlelit dinner, a wedding, a coffee shop, a first dance, a love scene, a hotel lobby, a Sunday "
            "morning, an evening with friends, a slow dance, a rainy afternoon indoors, a cocktail bar"
        ),
    ),
    "happy": Character(
        moods=comma_list(
            "happy, cheerful, joyful, playful, sunny, bright, carefree, uplifting, merry, fun, light-hearted, bouncy, feel-good, lively"
        ),
        pace=(*FAST, "lively"),
        bpm=(108, 144),
        touch=comma_list("bright, cheerful, playful, bouncy, crisp, lively, sparkling"),
        line=comma_list("catchy, cheerful, bouncy, playful, bright, lively, simple, memorable"),
        drumming=comma_list("bouncy, lively, upbeat, crisp, simple, brisk"),
        singing=comma_list("bright, cheerful, playful, clear, lively"),
        scenes=comma_list(
            "a children's show, a summer party, a road trip, a picnic, a commercial, a cartoon, a birthday party, "
            "a cooking show, a village festival, a travel video, the first level of a game, a day at the beach, a "
            "school play"
        ),
    ),
    "energetic": Character(
        moods=comma_list("energetic, driving, powerful, exciting, intense, wild, fiery, exhilarating, confident, fierce, upbeat"),
        pace=FAST,
        bpm=(120, 176),
        touch=comma_list("loud, punchy, hard-hitting, powerful, driving, bright, raw"),
        line=comma_list("fast, driving, catchy, bold, powerful, repeating, rapid"),
        drumming=comma_list("fast, hard-hitting, driving, punchy, loud, energetic, pounding"),
        singing=comma_list("powerful, loud, passionate, energetic, belting"),
        scenes=comma_list(
            "a workout, sports highlights, a stadium, a street race, a skateboarding video, a festival stage, a "
            "night of dancing, a fight scene, a racing game, running, a car chase"
        ),
    ),
    "epic": Character(
        moods=comma_list("epic, heroic, majestic, triumphant, grand, noble, dramatic, adventurous, victorious, solemn, stirring"),
        pace=(*MEDIUM, "stately", "broad"),
        bpm=(70, 116),
        touch=comma_list("powerful, soaring, grand, bold, bright, thunderous, full"),
        line=comma_list("soaring, heroic, bold, rising, grand, memorable, broad"),
        drumming=comma_list("thunderous, pounding, martial, booming, steady"),
        singing=comma_list("powerful, soaring, dramatic, full"),
        scenes=comma_list(
            "a film trailer, a battle scene, a fantasy film, the opening credits, an award ceremony, the final "
            "level of a game, a victory parade, a journey across the mountains, a historical drama, the launch of "
            "a rocket"
        ),
    ),
    "groovy": Character(
        moods=comma_list("groovy, laid-back, funky, smooth, cool, chill, relaxed, easygoing, danceable, confident"),
        pace=(*MEDIUM, "relaxed", "laid-back"),
        bpm=(80, 114),
        touch=comma_list("smooth, funky, warm, crisp, clean, tight, mellow"),
        line=comma_list("funky, syncopated, catchy, smooth, repeating, off-beat, short"),
        drumming=comma_list("groovy, laid-back, syncopated, tight, steady, crisp"),
        singing=comma_list("smooth, soulful, relaxed, silky, confident"),
        scenes=comma_list(
            "a rooftop bar, driving at night, a lounge, a fashion show, a house party, cooking with friends, a "
            "walk through the city, a barber shop, a summer evening, a podcast intro"
        ),
    ),
    "strange": Character(
        moods=comma_list("weird, strange, surreal, psychedelic, hypnotic, futuristic, quirky, chaotic, otherworldly, disorienting"),
        pace=(*MEDIUM, "irregular", "shifting"),
        bpm=(70, 130),
        touch=comma_list("warped, glitchy, metallic, distorted, wobbly, detuned, strange"),
        line=comma_list("strange, wandering, broken, repeating, dissonant, unpredictable, hypnotic"),
        drumming=comma_list("broken, irregular, glitchy, mechanical, shuffling"),
        singing=comma_list("distorted, whispering, processed, strange"),
        scenes=comma_list(
            "an art installation, a science fiction film, a dream sequence, a modern dance piece, an experimental "
            "short film, a puzzle game, a museum of robots"
        ),
    ),
}
