"""The measures of MusicCaps's own sentences (arXiv 2301.11325), the reference beside which a written vocabulary is shown.

    python -m labeling.cleaning.musiccaps_quality MUSICCAPS.csv

prints both constants as they stand below. Measured on musiccaps-public.csv (5,521 clips, training and evaluation): its captions split into
sentences, single words left out, each of equal words once. From 300 on, self_bleu looks at the same 200 sentences and is the same. The
figures ship, the captions do not (CC BY-SA 4.0).
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict

from labeling.cleaning.quality import SIZES, Quality, measure
from labeling.errors import UserError
from labeling.settings import VocabularySettings
from labeling.vocabulary import vocabulary_table

MUSICCAPS_CAPTIONS = 18762
"""How many different sentences there were."""

MUSICCAPS: Mapping[int, Quality] = {
    100: Quality(
        captions=100,
        vocabulary=434,
        distinct_1=0.3328,
        distinct_2=0.7151,
        words_p5=6.0,
        words_p25=8.0,
        words_p50=11.5,
        words_p75=16.25,
        words_p95=31.0,
        self_bleu=0.3519,
        names_instrument=0.44,
        names_genre=0.24,
        names_mood=0.24,
        names_tempo=0.13,
        names_vocal=0.29,
    ),
    300: Quality(
        captions=300,
        vocabulary=828,
        distinct_1=0.2081,
        distinct_2=0.5854,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=11.0,
        words_p75=16.25,
        words_p95=28.0,
        self_bleu=0.4229,
        names_instrument=0.45,
        names_genre=0.2033,
        names_mood=0.24,
        names_tempo=0.1533,
        names_vocal=0.1867,
    ),
    1000: Quality(
        captions=1000,
        vocabulary=1610,
        distinct_1=0.1229,
        distinct_2=0.4594,
        words_p5=6.0,
        words_p25=8.75,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.426,
        names_genre=0.192,
        names_mood=0.276,
        names_tempo=0.121,
        names_vocal=0.214,
    ),
    3000: Quality(
        captions=3000,
        vocabulary=2710,
        distinct_1=0.0682,
        distinct_2=0.3443,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.4337,
        names_genre=0.188,
        names_mood=0.2867,
        names_tempo=0.1043,
        names_vocal=0.2107,
    ),
    10000: Quality(
        captions=10000,
        vocabulary=4471,
        distinct_1=0.0336,
        distinct_2=0.2394,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.4384,
        names_genre=0.1883,
        names_mood=0.2775,
        names_tempo=0.1023,
        names_vocal=0.2039,
    ),
}


def musiccaps_sentences(path: str) -> list[str]:
    """The sentences of a csv in the form of MusicCaps, each once, as a vocabulary of the kind "musiccaps-sentences" holds them.

    Raises UserError when the file or a column is not there.
    """
    table, _ = vocabulary_table("musiccaps", VocabularySettings(kind="musiccaps-sentences", source=path))
    return [str(caption) for caption in table.column("caption").to_pylist()]


def main() -> None:
    """Print both constants for the csv that the first argument names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m labeling.cleaning.musiccaps_quality MUSICCAPS.csv")
    try:
        sentences = musiccaps_sentences(sys.argv[1])
    except UserError as error:
        sys.exit(str(error))
    print(f"MUSICCAPS_CAPTIONS = {len(sentences)}\n\nMUSICCAPS: Mapping[int, Quality] = {{")
    for size in SIZES:
        fields = "".join(f"        {name}={value},\n" for name, value in asdict(measure(sentences, size)).items())
        print(f"    {size}: Quality(\n{fields}    ),")
    print("}")


if __name__ == "__main__":
    main()
