"""Embedding 10 s files, decoding included: ours against laion-clap's get_audio_embedding_from_filelist, with the same weights and threads.

python -m benchmarks.embed_laion --laion-python ENVIRONMENT/bin/python [--architecture HTSAT-base --threads 2 --files 48]

laion-clap wants another numpy than ours, so it lives in an environment of its own (docs/labeling.md says how). The weights are random:
speed and agreement do not depend on them. Both sides are processes that stay loaded and take turns; the ratio is the median over the
turns. laion-clap is called without gradients, and with a few files a call: one call for all, as in its own example, needs far more memory.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SECONDS = 10
CAPTIONS = ["warm piano jazz", "heavy drums and a female vocal"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laion-python", help="the Python of the environment that has laion-clap")
    parser.add_argument("--architecture", default="HTSAT-tiny", choices=("HTSAT-tiny", "HTSAT-base"))
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--rate", type=int, default=44100, help="Hz of the files")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch, on both sides")
    parser.add_argument("--batch", type=int, default=8, help="files a call, on both sides")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("ours", "laion"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        serve(options)
    elif options.laion_python is None:
        parser.error("--laion-python is needed")
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(options, Path(folder))


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Make files and tokenizers, let the two sides take turns, print what came out."""
    from tests.small_clap import write_tokenizer

    write_music(folder / "music", options.files, options.rate)
    write_tokenizer(folder / "roberta-base")
    write_laion_hub(folder)
    laion = start(options, folder, options.laion_python, "laion")
    ours = start(options, folder, sys.executable, "ours")
    seconds: dict[str, list[float]] = {"laion": [], "ours": []}
    cpu: dict[str, list[float]] = {"laion": [], "ours": []}
    for _ in range(options.repeats):
        for side, process in (("laion", laion), ("ours", ours)):
            reply = turn(process)
            seconds[side].append(reply["seconds"])
            cpu[side].append(reply["cpu"])
    for process in (laion, ours):
        process.stdin.close()
        process.wait()
    theirs, mine = np.load(folder / "laion.npz"), np.load(folder / "ours.npz")
    ratios = [a / b for a, b in zip(seconds["laion"], seconds["ours"], strict=True)]
    print(
        f"{options.architecture}, {options.files} files of {SECONDS} s at {options.rate} Hz, {options.threads} torch thread(s), fp32, CPU"
    )
    for side, name in (("laion", "laion-clap get_audio_embedding_from_filelist"), ("ours", "ours, noise2music.labeling.stages.embed")):
        rate = options.files / statistics.median(seconds[side])
        print(f"{name}: {rate:.2f} clips/s, {1000 * statistics.median(cpu[side]) / options.files:.0f} CPU-ms a clip")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    least = {kind: float((theirs[kind] * mine[kind]).sum(axis=1).min()) for kind in ("audio", "text")}
    others = float((theirs["audio"][1:] * mine["audio"][:-1]).sum(axis=1).mean())
    print(f"least cosine: audio {least['audio']:.7f}, text {least['text']:.7f} (audio of two different files: {others:.4f})")


def start(options: argparse.Namespace, folder: Path, python: str, side: str) -> "subprocess.Popen[str]":
    """One side, loaded and warm."""
    arguments = [f"--{name}={getattr(options, name)}" for name in ("architecture", "threads", "batch")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(options.threads)}
    if side == "ours":
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [python, str(Path(__file__).resolve()), f"--side={side}", f"--folder={folder}", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer(process)
    return process


def turn(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Let one side embed all files once."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return answer(process)


def answer(process: "subprocess.Popen[str]") -> dict[str, float]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            return dict(json.loads(line))
    raise SystemExit("one side ended early; its error is above")


def serve(options: argparse.Namespace) -> None:
    """Load, warm up, then embed all files whenever a line comes in."""
    sys.argv = sys.argv[:1]  # laion-clap's modules read it
    with contextlib.redirect_stdout(io.StringIO()):
        embed, texts = (laion_side if options.side == "laion" else our_side)(options)
        embed(2)
    print("{}", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        audio = embed(None)
        reply = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        np.savez(options.folder / f"{options.side}.npz", audio=audio, text=texts)
        print(json.dumps(reply), flush=True)


def laion_side(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """laion-clap's model with random weights, saved for the other side."""
    import torch
    from laion_clap import CLAP_Module

    torch.manual_seed(0)
    clap = CLAP_Module(enable_fusion=False, device="cpu", amodel=options.architecture).eval()
    with torch.no_grad():
        for parameter in clap.model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
        clap.model.audio_branch.bn0.running_mean.uniform_(-30.0, -10.0)
        clap.model.audio_branch.bn0.running_var.uniform_(50.0, 200.0)
    torch.save({"state_dict": clap.model.state_dict()}, options.folder / "weights.pt")
    torch.set_num_threads(options.threads)
    files = [str(path) for path in sorted((options.folder / "music").iterdir())]

    def embed(limit):  # type: ignore[no-untyped-def]
        with torch.inference_mode():
            chosen = files[:limit]
            calls = [chosen[start : start + options.batch] for start in range(0, len(chosen), options.batch)]
            return np.concatenate([clap.get_audio_embedding_from_filelist(call) for call in calls])

    with torch.inference_mode():
        return embed, clap.get_text_embedding(CAPTIONS)


def our_side(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The scorer and the embedding of the flow."""
    import torch

    from noise2music.core.ids import stable_id
    from noise2music.labeling.corpus.files import open_audio
    from noise2music.labeling.scorers.load import load_scorer
    from noise2music.labeling.settings import ScorerSettings
    from noise2music.labeling.stages.embed import ClipPlan, Embedded, embed_clips, read_waveforms
    from noise2music.labeling.stages.probe import probe_file

    scorer = load_scorer(ScorerSettings(model=str(options.folder / "weights.pt")), "cpu")
    torch.set_num_threads(options.threads)
    music = str(options.folder / "music")
    plans = []
    for path in sorted((options.folder / "music").iterdir()):
        with open_audio(music, path.name) as file:
            length = probe_file(file, path.name, path.stat().st_size, "")["duration_ms"]
        plans.append(ClipPlan(stable_id(path.name), stable_id("track", path.name), path.name, "", "train", 0, length))

    def embed(limit):  # type: ignore[no-untyped-def]
        results = list(embed_clips(scorer, read_waveforms(music, plans[:limit], scorer.sample_rate), options.batch))
        assert all(isinstance(result, Embedded) for result in results)
        return np.stack([result.embedding for result in results])

    return embed, scorer.embed_text(CAPTIONS).joint_embeddings


def write_music(folder: Path, files: int, rate: int) -> None:
    """Chords with noise, in stereo, no two alike; wav, flac and mp3 in turn."""
    import soundfile

    folder.mkdir()
    rng = np.random.default_rng(0)
    time_axis = np.arange(SECONDS * rate) / rate
    for number in range(files):
        pitches = 55.0 * 2.0 ** (rng.integers(0, 48, 4) / 12.0)
        beat = np.exp(-((time_axis * rng.uniform(1.0, 4.0)) % 1.0) * rng.uniform(1.0, 6.0))
        tones = sum(np.sin(2 * np.pi * pitch * harmonic * time_axis) / harmonic for pitch in pitches for harmonic in (1, 2, 3, 5))
        noise = rng.standard_normal((len(time_axis), 2)) * rng.uniform(0.0, 0.2)
        audio = (tones * beat)[:, None] * [0.05, 0.04] + noise * beat[::-1, None]
        soundfile.write(folder / f"{number:03d}.{('wav', 'flac', 'mp3')[number % 3]}", audio.clip(-0.99, 0.99), rate)


def write_laion_hub(folder: Path) -> None:
    """What laion-clap asks a hub for when it is imported: a one-layer roberta-base, and tokenizers under the names of BERT and BART."""
    from transformers import BertTokenizer, RobertaConfig, RobertaModel, RobertaTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = RobertaTokenizer.from_pretrained(folder / "roberta-base")
    config = RobertaConfig(vocab_size=len(tokenizer), num_hidden_layers=1, intermediate_size=256, max_position_embeddings=514)
    config.type_vocab_size, config.layer_norm_eps = 1, 1e-5
    RobertaModel(config).save_pretrained(folder / "roberta-base")
    tokenizer.save_pretrained(folder / "facebook" / "bart-base")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    BertTokenizer(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder / "bert-base-uncased")


if __name__ == "__main__":
    main()
