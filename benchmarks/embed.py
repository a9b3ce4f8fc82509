"""Embedding real files, decoding included, against the bare network on the same windows, ready in memory.

python -m benchmarks.embed --audio ../shared/data/music
python -m benchmarks.embed --audio FOLDER --model FOLDER_OF_A_CLAP_MODEL
"""

import argparse
import statistics
import time

import torch

from noise2music.core.ids import stable_id
from noise2music.labeling.corpus.clips import cut_clips
from noise2music.labeling.corpus.files import list_corpus, open_audio
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import Corpus, ScorerSettings
from noise2music.labeling.stages.embed import ClipPlan, Embedded, Failed, Waveform, embed_clips, read_waveforms
from noise2music.labeling.stages.probe import probe_file


def clip_plans(audio: str) -> list[ClipPlan]:
    """The clips of a folder, as the flow would cut them."""
    corpus = Corpus(audio=audio)
    plans = []
    for file in list_corpus(audio).files:
        track = stable_id("track", file.key)
        with open_audio(audio, file.key) as opened:
            duration = probe_file(opened, file.key, file.bytes, "")["duration_ms"]
        plans += [ClipPlan(c.clip_id, track, file.key, "", "train", c.start_ms, c.length_ms) for c in cut_clips(track, duration, corpus)]
    return plans


def main() -> None:
    """Print both rates and their ratio: the median over pairs of runs, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    scorer = load_scorer(ScorerSettings(model=arguments.model), "auto")
    plans = clip_plans(arguments.audio)[: arguments.clips]
    ready = [
        (clip.key, scorer.preprocess(clip.audio))
        for clip in read_waveforms(arguments.audio, plans, scorer.sample_rate)
        if isinstance(clip, Waveform)
    ]
    stacked = [window for _, windows in ready for window in windows]
    ratios, stage_rates, bare_rates = [], [], []
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        results: list[Embedded | Failed] = list(
            embed_clips(scorer, read_waveforms(arguments.audio, plans, scorer.sample_rate), arguments.batch)
        )
        stage = len(results) / (time.perf_counter() - started)
        started = time.perf_counter()
        for start in range(0, len(stacked), arguments.batch):
            scorer.encode_audio(torch.stack(stacked[start : start + arguments.batch]))
        bare = len(ready) / (time.perf_counter() - started)
        stage_rates.append(stage)
        bare_rates.append(bare)
        ratios.append(stage / bare)
    print(f"{scorer.name} on {scorer.device}: {len(ready)} clips, {len(stacked)} windows")
    print(f"embed, decoding included: {statistics.median(stage_rates):.2f} clips/s")
    print(f"bare network on ready tensors: {statistics.median(bare_rates):.2f} clips/s")
    print(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
