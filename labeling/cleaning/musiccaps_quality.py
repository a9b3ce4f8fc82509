"""The measures of MusicCaps's own sentences (arXiv 2301.11325), the reference beside which a written vocabulary is shown.

    python -m labeling.cleaning.musiccaps_quality MUSICCAPS.csv

prints MUSICCAPS as it stands below: the captions of musiccaps-public.csv (5,521 clips, training and evaluation) split into sentences, each
of equal words once. The figures ship, the captions do not (CC BY-SA 4.0).
"""

import csv
import sys
from collections.abc import Mapping

from labeling.cleaning.quality import SIZES, Quality, measure
from labeling.normalise import caption_key, normalise_caption
from labeling.sentences import split_sentences

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
        names_instrument=0.41,
        names_genre=0.3,
        names_mood=0.23,
        names_tempo=0.11,
        names_vocal=0.27,
    ),
    300: Quality(
        captions=300,
        vocabulary=826,
        distinct_1=0.2085,
        distinct_2=0.5862,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=11.0,
        words_p75=16.0,
        words_p95=28.0,
        self_bleu=0.4229,
        names_instrument=0.4267,
        names_genre=0.2533,
        names_mood=0.2333,
        names_tempo=0.1433,
        names_vocal=0.18,
    ),
    1000: Quality(
        captions=1000,
        vocabulary=1610,
        distinct_1=0.123,
        distinct_2=0.4595,
        words_p5=6.0,
        words_p25=8.0,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.411,
        names_genre=0.237,
        names_mood=0.264,
        names_tempo=0.114,
        names_vocal=0.208,
    ),
    3000: Quality(
        captions=3000,
        vocabulary=2707,
        distinct_1=0.0682,
        distinct_2=0.3441,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.4173,
        names_genre=0.2317,
        names_mood=0.2727,
        names_tempo=0.0993,
        names_vocal=0.205,
    ),
    10000: Quality(
        captions=10000,
        vocabulary=4472,
        distinct_1=0.0336,
        distinct_2=0.2394,
        words_p5=6.0,
        words_p25=9.0,
        words_p50=12.0,
        words_p75=16.0,
        words_p95=26.0,
        self_bleu=0.4229,
        names_instrument=0.4232,
        names_genre=0.229,
        names_mood=0.2641,
        names_tempo=0.0978,
        names_vocal=0.1991,
    ),
}


def musiccaps_sentences(path: str) -> list[str]:
    """The different sentences of a csv in the form of MusicCaps, in display form."""
    with open(path, newline="", encoding="utf-8") as file:
        found = (normalise_caption(sentence) for row in csv.DictReader(file) for sentence in split_sentences(row["caption"]))
        return list({caption_key(sentence): sentence for sentence in found}.values())


def main() -> None:
    """Print the measures of every size."""
    sentences = musiccaps_sentences(sys.argv[1])
    print(f"# {len(sentences):,} sentences")
    for size in SIZES:
        print(f"    {size}: {measure(sentences, size)!r},")


if __name__ == "__main__":
    main()
