"""Requests a second of the write stage, against vLLM's own serving benchmark at the same concurrency and lengths.

    python -m benchmarks.write --vllm PYTHON                        # starts vLLM itself, on the CPU, with the starter writer
    python -m benchmarks.write --vllm PYTHON --url http://HOST:8000/v1 --model NAME --tokenizer FOLDER

PYTHON: the interpreter of an environment that has vLLM (docs/llm.md). All run in turn, several times; a ratio is that of the medians.
The write stage includes prompts, retries, the request cache on disk, reading of replies and Parquet. vLLM's benchmark has random
prompts and replies of one length, our mean lengths. It is run with the sampling that we ask for (temperature, top-p, a seed), and as it
comes: greedy, which costs the server less.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from noise2music.flows.config import make_settings
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import part_of
from noise2music.labeling.schemas import SONGS
from noise2music.labeling.writer.local import PROMPT, STARTER, starter_folder
from noise2music.labeling.writer_settings import Write
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter
from noise2music.pipelines.write import write
from tests import vllm_server

_BENCHMARK = """
import argparse
from vllm.benchmarks.serve import add_cli_args, main
parser = argparse.ArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""


def made_up_songs(number: int) -> list[Song]:
    """Songs with facts."""
    tags = ("folk", "techno", "jazz", "rock", "ambient")
    return [
        Song(f"Paper River {n}", f"Quartz {n % 7}", (tags[n % 5],), ("piano", "drums"), 60.0 + n % 100, "F# minor") for n in range(number)
    ]


def run_ours(url: str, model: str, songs: int, samples: int, concurrency: int) -> tuple[float, float, float]:
    """Requests a second, mean tokens in, mean tokens out. Raises RuntimeError when a reply is missing."""
    with tempfile.TemporaryDirectory() as folder:
        raw = {
            "root": folder,
            "parts": 4,
            "corpus": {"audio": "none"},
            "write": {"model": model, "samples": samples, "prompt": PROMPT},
            "vocabulary": {"llm_long": {"kind": "written"}},
            "run": {"workers": 1, "server": {"url": url, "concurrency": concurrency}},
        }
        session = Session(make_settings(raw, (), "write"))
        _songs(session, songs)
        started = time.perf_counter()
        replies = write(session)
        seconds = time.perf_counter() - started
        stats = replies.manifest.stats
        if replies.manifest.rows != songs * samples:
            raise RuntimeError(f"{replies.manifest.dead_rows} dead rows: {replies.manifest.dead_reasons}")
        number = songs * samples
        return number / seconds, stats["prompt_tokens"] / number, stats["completion_tokens"] / number


def _songs(session: Session, number: int) -> Dataset:
    table = songs_table(made_up_songs(number))
    parts_of = [part_of(song_id, session.settings.parts) for song_id in table.column("song_id").to_pylist()]

    def make_parts(identity: Identity, parts: "list[int]") -> None:
        for part in parts:
            mine = table.filter([of == part for of in parts_of])
            PartWriter(session.settings.root, identity, SONGS).write(part, lambda _context, mine=mine: [mine])

    return session.build("songs", 0, make_parts, config={"made_up": number})


def run_vllm(python: str, url: str, model: str, tokenizer: str, requests: int, concurrency: int, *dataset: str) -> float:
    """Requests a second of vLLM's serving benchmark over a data set that its options describe."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        options = ["--backend", "openai", "--base-url", url.removesuffix("/v1"), "--model", model, "--tokenizer", tokenizer]
        options += ["--num-prompts", str(requests), "--max-concurrency", str(concurrency), *dataset]
        options += ["--save-result", "--result-dir", folder, "--result-filename", result.name]
        subprocess.run([python, "-c", _BENCHMARK, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        return float(json.loads(result.read_text())["request_throughput"])


def random_requests(tokens_in: float, tokens_out: float) -> list[str]:
    """Random prompts, replies of one length."""
    lengths = ["--random-input-len", str(round(tokens_in)), "--random-output-len", str(round(tokens_out))]
    return ["--dataset-name", "random", *lengths, "--ignore-eos"]


def our_sampling() -> list[str]:
    """What the write stage asks for, as options."""
    write = Write()
    return ["--temperature", str(write.temperature), "--top-p", str(write.top_p), "--extra-body", json.dumps({"seed": 7, "stop": ["\n"]})]


def main() -> None:
    """Print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", required=True)
    parser.add_argument("--url")
    parser.add_argument("--model", default=STARTER)
    parser.add_argument("--tokenizer", default=str(starter_folder()))
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.url:
        compare(arguments, arguments.url)
        return
    with tempfile.TemporaryDirectory() as folder, vllm_server.serving(arguments.vllm, Path(folder)) as url:
        compare(arguments, url)


def compare(arguments: argparse.Namespace, url: str) -> None:
    """Run both sides in turn and print."""
    a = arguments
    run_ours(url, a.model, 20, a.samples, a.concurrency)
    ours, sampled, greedy = [], [], []
    for number in range(a.rounds):
        rate, tokens_in, tokens_out = run_ours(url, a.model, a.songs, a.samples, a.concurrency)
        command = (a.vllm, url, a.model, a.tokenizer, a.songs * a.samples, a.concurrency, *random_requests(tokens_in, tokens_out))
        ours.append(rate)
        sampled.append(run_vllm(*command, *our_sampling()))
        greedy.append(run_vllm(*command))
        said = f"{tokens_in:.0f} tokens in, {tokens_out:.0f} out"
        print(f"round {number}: {ours[-1]:.1f} requests/s ({said}); vLLM {sampled[-1]:.1f}, greedy {greedy[-1]:.1f}", flush=True)
    for name, theirs in (("with the same sampling", sampled), ("as it comes, greedy", greedy)):
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(f"{ratio:.2f} of vLLM's serving benchmark {name}, {a.concurrency} in flight")


if __name__ == "__main__":
    main()
