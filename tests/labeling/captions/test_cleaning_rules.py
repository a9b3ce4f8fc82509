import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.labeling.captions.cleaning.contradiction import contradiction
from noise2music.labeling.captions.cleaning.names import names
from noise2music.labeling.captions.cleaning.sentence_rules import language, low_information, quotes, refusal, second_person, tidy, trivia
from noise2music.labeling.corpus.songs import Song

PLAIN = Song("Zqxwv", None)


def cases(keep, drop):
    return pytest.mark.parametrize(("text", "stays"), [*((text, True) for text in keep), *((text, False) for text in drop)])


@pytest.mark.parametrize(
    ("raw", "bare"),
    [
        ("- soft piano chords.", "Soft piano chords."),
        ("3. **Soft** piano _chords_.", "Soft piano chords."),
        ("Description: soft piano chords", "soft piano chords"),
        ("Caption 2: Soft piano chords.", "Soft piano chords."),
        ("🎹 Soft piano chords.", "Soft piano chords."),
        ("“Soft” piano\u00a0chords – calm.", '"Soft" piano chords - calm.'),
        ("Soft piano chords. [3]", "Soft piano chords."),
        ("Soft   piano\t chords.", "Soft piano chords."),
        ("### Soft piano", None),
        ("Tempo: slow", None),
        ("Verse 2:", None),
        ("```json", None),
        ('{"captions": ["Soft piano"', None),
        ("See www.example.org for more piano.", None),
        ("<b>Soft piano</b>", None),
        ("1.", None),
    ],
)
def test_tidy(raw, bare):
    assert tidy(raw, PLAIN) == bare
    assert bare is None or tidy(bare, PLAIN) == bare


@pytest.mark.parametrize(
    ("raw", "bare"),
    [
        ("**It is a calm piece with harp and a deep choir.**", "It is a calm piece with harp and a deep choir."),
        ("__It is a calm piece with harp.__", "It is a calm piece with harp."),
        ("***It is a calm piece with harp.***", "It is a calm piece with harp."),
        ("*It is a calm piece with harp.*", "It is a calm piece with harp."),
        ("_It is a calm piece with harp._", "It is a calm piece with harp."),
        ("**It is a calm piece with harp**.", "It is a calm piece with harp."),
        ("- **It is a calm piece with harp.**", "It is a calm piece with harp."),
        ("2. **It is a calm piece with harp.**", "It is a calm piece with harp."),
        ("> **It is a calm piece with harp.**", "It is a calm piece with harp."),
        ("**Is it a calm piece with harp?**", "Is it a calm piece with harp?"),
        ("**A slow piano ballad with soft strings and harp**", "A slow piano ballad with soft strings and harp"),
        ("# It is a calm piece with harp.", "It is a calm piece with harp."),
        ("1. **Soft Opening**: The piano plays a soft melody.", "The piano plays a soft melody."),
        ("**Calm and slow:** The piano plays a soft melody.", "The piano plays a soft melody."),
        ("**A soft piano** plays over **slow strings**.", "A soft piano plays over slow strings."),
        ("**Chorus**", None),
        ("**Chorus.**", None),
        ("**Description:**", None),
        ("**Description**:", None),
        ("__Mood and Atmosphere__", None),
        ("**A Slow Piano Ballad in D Minor for Two Hands**", None),
        ("**Key Features of the Song.**", None),
        ("**Here is a description of the song:**", None),
        ("**Mood:** calm and slow.", None),
        ("**Verse 1:** I walk alone into the night.", None),
        ("**Tempo: 120 beats per minute.**", None),
        ("- **Instrumentation**: Piano, strings and a deep choir.", None),
        ("## Song Description", None),
        ("### A slow piano ballad", None),
        ("***", None),
    ],
)
def test_tidy_keeps_a_sentence_that_is_marked_as_a_whole_and_drops_a_heading(raw, bare):
    assert tidy(raw, PLAIN) == bare
    assert bare is None or tidy(bare, PLAIN) == bare


@cases(
    ["It is sung in Spanish over nylon guitar.", "Dorian mode, 7/8 metre.", "Taiko, shakuhachi and koto."],
    ["Une chanson douce avec une guitare acoustique.", "Медленная баллада с женским вокалом.", "静かなピアノの曲。"],
)
def test_language(text, stays):
    assert language("en")(text, PLAIN) == (text if stays else None)


@cases(
    [
        "The title theme swells in the strings.",
        "A sure-footed bass line with a model of restraint.",
        "Vocals hard to the left, drums to the right.",
    ],
    [
        "As an AI language model, I cannot hear it.",
        "I'm not familiar with this song.",
        "Based on the title, this is likely a slow ballad.",
        "Here are five captions for the song.",
        "Please provide more details about the guitar.",
        "There is no information about the tempo.",
    ],
)
def test_refusal(text, stays):
    assert refusal(text, PLAIN) == (text if stays else None)


@cases(
    ["A I-IV-V progression on electric guitar.", "Part I builds slowly.", "A UK garage beat, USA style."],
    [
        "It makes you dance.",
        "I hear a flute.",
        "We drift on soft pads.",
        "Let's hear the drums.",
        "Imagine a slow waltz.",
        "My favourite riff.",
    ],
)
def test_second_person(text, stays):
    assert second_person(text, PLAIN) == (text if stays else None)


@cases(
    ["Soft (felt) piano [close-miked].", 'A "wet" snare.', "The singer's voice, '80s style.", "(a [b] c)"],
    ["Soft (felt piano.", "Soft felt) piano.", 'A "wet snare.', "(a [b) c]", "]["],
)
def test_quotes(text, stays):
    assert quotes(text, PLAIN) == (text if stays else None)


@cases(
    ["A great rock song.", "The song is very slow.", "Nice piano.", "A beautiful, haunting melody.", "This is a kids music piece."],
    ["A great song.", "It is a very good and popular piece of music.", "A truly unforgettable track, one of the best ever made."],
)
def test_low_information(text, stays):
    assert low_information(text, PLAIN) == (text if stays else None)


@cases(
    [
        "In the style of 1960s folk rock.",
        "A 90s house beat at 124 bpm.",
        "A repeated 16-bar phrase.",
        "There are no lyrics in the song.",
        'A "four on the floor" kick drives the track.',
        "A recorded loop of rain, a top-end sparkle and a charming riff.",
        "1000 Hz beeps and 2000s pop sheen.",
    ],
    [
        "It reached number one in twelve countries.",
        "Released in the spring, it has a deep bass.",
        "A 1987 recording with gated drums.",
        "It won two Grammys.",
        "The lyrics deal with loss.",
        'She sings "hold me until the morning" over piano.',
        "La la la, come with me tonight",
        "He was born in a small town.",
        "The track is three minutes and ten seconds long.",
        "The music video shows a dancer.",
    ],
)
def test_trivia(text, stays):
    assert trivia(text, PLAIN) == (text if stays else None)


COMMON = (
    "Blue",
    "Slow",
    "Piano",
    "Home",
    "Fire",
    "Sunny",
    "Guitar",
    "Waltz",
    "Drum and Bass",
    "The Blues",
    "Soul",
    "Lonesome",
    "Echo",
    "Slow Dance",
)
INNOCENT = (
    "A slow blues with a sunny electric guitar and drum and bass patterns.",
    "Piano opens the track, then a slow dance beat in waltz time.",
    "Slow and lonesome, the echo of a guitar rings over the blues shuffle.",
    "Soul vocals with fire and a blue mood, far from home.",
    "Blues, soul and jazz meet in the piano solo.",
    "Guitar and drums drive a fiery, sunny groove.",
)


@pytest.mark.parametrize("title", COMMON)
@pytest.mark.parametrize("text", INNOCENT)
def test_titles_of_common_words_cost_no_innocent_sentence(title, text):
    assert names(text, Song(title, None)) == text


@pytest.mark.parametrize(
    ("title", "artist", "text"),
    [
        ("Paper Lanterns", "Ida Holm", "Paper Lanterns is a slow ballad."),
        ("Paper Lanterns", "Ida Holm", "In paper lanterns, a piano plays."),
        ("Paper Lanterns", "Ida Holm", "Holm's voice is soft."),
        ("Paper Lanterns", "Ida Holm", "A soft song, and typical of Ida."),
        ("Slow", "Marlo", '"Slow" has a deep groove.'),
        ("Slow", "Marlo", "The piano of Slow is warm."),
        ("Coral", None, "Coral opens with a harp."),
        ("Kumo", None, "Kumo drifts on soft pads."),
        ("kumo", None, "A typical kumo groove."),
        ("X", "kumo", "A typical kumo beat."),
        ("X", "Queen", "Queen delivers stacked harmonies."),
        ("X", "DJ Korva feat. Lil Mint", "A verse by Lil Mint rides the beat."),
        ("X (feat. Zorana Bell)", "DJ Korva", "Zorana sings softly."),
        ("X", "Jon Marrow & Celeste Vine", "Celeste answers in harmony."),
        ("X", "Jon Marrow & Celeste Vine", "Vine's alto is warm."),
        ("X", "José Nuñez", "Nuñez's accordion weaves around the beat."),
        ("X", "José Nuñez", "Nunez plays a soft accordion."),
        ("X", "Jose Nunez", "Nuñez plays a soft accordion."),
        ("X", "Sinéad O'Kearney", "O’Kearney’s voice is soft."),
        ("X", "Guns N' Thistles", "The guitars of Guns N' Thistles roar."),
        ("X", "The Redliners", "the redliners play driving rock."),
        ("X", "Simon & Garfield", "Close harmonies in the Simon & Garfield manner."),
        ("X", None, "The guitar tone recalls Jimi Hendrix."),
        ("X", None, "Beethoven's chords on a soft piano."),
        ("Für Elsbeth", None, "Fur Elsbeth in a soft piano version."),
    ],
)
def test_titles_artists_and_other_names_are_found(title, artist, text):
    assert names(text, Song(title, artist)) is None


@pytest.mark.parametrize(
    "text",
    [
        "A Fender Rhodes, a Moog bass and a TR-808.",
        "Delta Blues with African percussion and a French horn.",
        "Gregorian chant, K-pop, R&B and UK garage.",
        "In C# minor, then E-flat major: Slow, heavy drums.",
        "The male singer's voice; the piano's tone.",
        "A Christmas song with a Bösendorfer grand piano and bodhrán.",
    ],
)
def test_styles_makers_and_keys_are_no_names(text):
    assert names(text, PLAIN) == text


REGEX = ("C++ (.*) [a]", "(", "[", "a{2,}", r"\d+", ".*", "^$", "(?P<x>", "A|B", r"\1", "***", "?", "", " ")


@pytest.mark.parametrize("hostile", REGEX)
@pytest.mark.parametrize("text", [*INNOCENT, "In C major, with a 120 bpm beat."])
def test_titles_and_artists_are_no_patterns(hostile, text):
    for song in (Song(hostile, None), Song("Zqxwv", hostile), Song(hostile, f"{hostile} feat. {hostile} & {hostile}")):
        assert names(text, song) == text
        assert contradiction(text, Song("Zqxwv", None, (hostile,), (hostile,), None, hostile)) == text


@given(title=st.text(max_size=30), artist=st.none() | st.text(max_size=30), text=st.text(max_size=60))
def test_names_takes_any_text(title, artist, text):
    assert names(text, Song(title, artist)) in (text, None)


def facts(*tags, instruments=(), tempo=None, key=None):
    return Song("Zqxwv", None, tags, instruments, tempo, key)


INSTRUMENTAL, FEMALE, MALE = facts("instrumental", "rock"), facts("female vocals"), facts("male vocalist", "pop")


@pytest.mark.parametrize(
    ("song", "text", "stays"),
    [
        (INSTRUMENTAL, "A female singer leads.", False),
        (INSTRUMENTAL, "Soft vocals over piano.", False),
        (INSTRUMENTAL, "He raps over the beat.", False),
        (INSTRUMENTAL, "No drums, just a warm female voice.", False),
        (INSTRUMENTAL, "A woman singing soft melodies.", False),
        (INSTRUMENTAL, "There are no vocals in this song.", True),
        (INSTRUMENTAL, "Without any singing, the guitar carries the tune.", True),
        (INSTRUMENTAL, "A purely instrumental track.", True),
        (INSTRUMENTAL, "The violin sings above soft strings.", True),
        (INSTRUMENTAL, "A singing melody on the cello.", True),
        (INSTRUMENTAL, "Tibetan singing bowls ring out.", True),
        (INSTRUMENTAL, "Chopped vocal samples and choir pads.", True),
        (INSTRUMENTAL, "Careful voice leading in the chords.", True),
        (facts(instruments=("singing bowls",)), "There are no vocals.", True),
        (FEMALE, "A purely instrumental track.", False),
        (FEMALE, "There are no vocals, only guitar.", False),
        (FEMALE, "A long instrumental break.", True),
        (FEMALE, "The instrumental arrangement is lush below the voice.", True),
        (FEMALE, "It is not instrumental: a voice leads.", True),
        (FEMALE, "A warm male voice sings.", False),
        (FEMALE, "A warm female voice sings.", True),
        (FEMALE, "A voice and a tenor saxophone share the melody.", True),
        (MALE, "A soprano singer floats above.", False),
        (MALE, "A baritone voice and an alto saxophone.", True),
        (MALE, "Male and female vocals trade lines.", True),
        (MALE, "A man sings about the girl.", True),
        (facts("female vocals", "male vocals"), "A male voice sings.", True),
        (facts("vocal"), "A male voice sings.", True),
    ],
)
def test_voices_against_facts(song, text, stays):
    assert contradiction(text, song) == (text if stays else None)


@pytest.mark.parametrize(
    ("tempo", "text", "stays"),
    [
        (180.0, "A slow and heavy beat.", False),
        (180.0, "The tempo is very slow.", False),
        (180.0, "A slow blues with guitar.", False),
        (180.0, "A slow tremolo on the guitar.", True),
        (180.0, "Slow pads over a driving beat.", True),
        (180.0, "The beat is not slow.", True),
        (60.0, "A fast-paced song.", False),
        (60.0, "The pace is fast.", False),
        (60.0, "A brisk punk rock, with loud drums.", False),
        (60.0, "Fast runs on the violin.", True),
        (60.0, "A slow and heavy beat.", True),
        (100.0, "A slow song.", True),
        (100.0, "A fast song.", True),
        (120.0, "At 120 bpm.", True),
        (120.0, "At 124 BPM.", True),
        (120.0, "At 60 bpm.", True),
        (120.0, "At 240 beats per minute.", True),
        (120.0, "At 90 bpm.", False),
        (120.0, "At 150 beats per minute.", False),
        (120.0, "It has a BPM of 121.", True),
        (120.0, "With a tempo of around 85, it sways.", False),
    ],
)
def test_tempo_against_facts(tempo, text, stays):
    assert contradiction(text, facts(tempo=tempo)) == (text if stays else None)


@pytest.mark.parametrize(
    ("key", "text", "stays"),
    [
        ("F# major", "It is in Gb major.", True),
        ("Gb major", "It is in F-sharp major.", True),
        ("E-flat major", "It is in D# major.", True),
        ("Cb major", "It is in B major.", True),
        ("B# minor", "It is in C minor.", True),
        ("Am", "It is in A minor.", True),
        ("A", "It is in A minor.", True),
        ("a minor", "It is in A minor.", True),
        ("F# major", "It is in F major.", False),
        ("F# major", "It is in F# minor.", False),
        ("C minor", "It is in G minor.", False),
        ("Am", "It is in A major.", False),
        ("C minor", "It is in a major key.", False),
        ("C minor", "It is in a minor key.", True),
        ("C minor", "A minor melody on the piano.", True),
        ("C minor", "A G major chord opens the song.", True),
        ("8A", "It is in F major.", True),
        ("atonal", "It is in F major.", True),
    ],
)
def test_keys_against_facts(key, text, stays):
    assert contradiction(text, facts(key=key)) == (text if stays else None)


@pytest.mark.parametrize(
    ("text", "stays"),
    [("There is no piano.", False), ("A song without any drums.", False), ("No guitar is heard.", True), ("Soft piano and drums.", True)],
)
def test_known_instruments_are_not_denied(text, stays):
    assert contradiction(text, facts(instruments=("piano", "drums"))) == (text if stays else None)


CLAIMS = (
    "A female singer with a slow, heavy beat at 60 bpm in C minor.",
    "A purely instrumental fast song at 180 bpm in F# major, without piano.",
    "There are no vocals and no drums.",
)


@pytest.mark.parametrize("text", CLAIMS)
def test_what_is_unknown_is_never_contradicted(text):
    for song in (
        PLAIN,
        Song("Instrumental", "Female Vocals"),
        facts("rock", "happy"),
        facts(instruments=("violin",)),
        facts(key="unknown"),
    ):
        assert contradiction(text, song) == text


@pytest.mark.parametrize(
    "text", ["It is in Bb minor at about 149 BPM.", "The tune moves from Ebm to Db major.", "Chords of Am and Gmaj repeat."]
)
def test_keys_and_chords_are_no_names(text: str) -> None:
    assert names(text, Song("Paper Lanterns", "Ida Holm")) == text
