"""Probing whole files against embedding their clips, in CPU seconds of one process: what it costs that lengths are found, not believed.

python -m benchmarks.probe --audio ../shared/data/music
"""

import argparse
import time
from collections import Counter

from benchmarks.embed import clip_plans
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.errors import RowError
from noise2music.labeling.corpus.files import list_corpus, open_audio
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings
from noise2music.labeling.stages.embed import embed_clips, read_waveforms
from noise2music.labeling.stages.probe import probe_file

_LISTED = 10


def main() -> None:
    """Print seconds of audio, CPU seconds of both and the share, and the CPU milliseconds of probing by suffix."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    scorer = load_scorer(ScorerSettings(model=arguments.model), "auto")
    by_suffix: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    dead = 0
    for file in list_corpus(arguments.audio).files:
        suffix = file.key.rsplit(".", 1)[-1].lower()
        with open_audio(arguments.audio, file.key) as opened:
            started = time.process_time()
            try:
                row = probe_file(opened, file.key, file.bytes, "")
            except RowError:
                dead += 1
                continue
            by_suffix[suffix] += time.process_time() - started  # type: ignore[assignment]
            seconds[suffix] += row["duration_ms"] / 1000
    opening = 0.0
    for file in list_corpus(arguments.audio).files:
        with open_audio(arguments.audio, file.key) as opened:
            started = time.process_time()
            try:
                open_reader(opened)
            except RowError:
                continue
            opening += time.process_time() - started
    plans = clip_plans(arguments.audio)
    started = time.process_time()
    results = list(embed_clips(scorer, read_waveforms(arguments.audio, plans, scorer.sample_rate), arguments.batch))
    embedding = time.process_time() - started
    probing = sum(by_suffix.values())
    print(f"{sum(seconds.values()):.0f} s of audio, {len(results)} clips, {dead} files that cannot be read, {scorer.name}")
    print(f"probe {probing:.2f} CPU s, embed {embedding:.2f} CPU s (its own opening of files, done again, is {opening:.2f} s of it)")
    print(f"probe is {probing / embedding:.1%} of embed; probe and the opening in embed together {(probing + opening) / embedding:.1%}")
    for suffix, spent in by_suffix.most_common(_LISTED):
        print(f"  {suffix}: {1000 * spent / max(1e-9, seconds[suffix]) * 10:.1f} CPU ms a 10 s of audio")


if __name__ == "__main__":
    main()
