"""The whole batch job (scores, files, records, manifest, page) against a loop that only makes the clips, with as many threads.

python -m benchmarks.job [--checkpoints FOLDER --clips 8 --seconds 5 --steps 10 --workers 2]

Without checkpoints the networks are those of the tiny preset with random weights. Rates are of CPU time, which other work on the machine
changes little, and of the clock. Models are loaded before, for both.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.generate import write_random
from noise2music.core.tensors import read_tensors
from noise2music.flows.generate import generate
from noise2music.models.cascade.weights import read_weights_header, write_weights
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import Request
from noise2music.models.job.prompts import read_prompts
from noise2music.models.job.settings import GenerateSettings
from noise2music.pipelines.generate import Job

TEXTS = ("slow piano", "loud drums", "a flute and a harp", "an organ drone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", help='folder or URI of a trained cascade, or "tiny"')
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "prompts.txt").write_text("".join(f"{TEXTS[n % len(TEXTS)]}, take {n}\n" for n in range(options.clips)))
        settings = GenerateSettings.model_validate(
            {
                "prompts": str(folder / "prompts.txt"),
                "checkpoints": options.checkpoints or write_audible(folder / "cascade"),
                "out": str(folder / "out"),
                "seconds": options.seconds,
                "max_dead": 1.0,
                "generation": {"sampling": {"steps": options.steps}},
                "run": {"workers": options.workers},
            }
        )
        compare(settings)


def write_audible(folder: Path) -> str:
    """A tiny cascade that has learnt nothing, and whose last layers, which start at zero, make a sound."""
    write_random(folder)
    torch.manual_seed(1)
    for path in sorted(folder.iterdir()):
        tensors = {name: values if values.any() else 0.02 * torch.randn_like(values) for name, values in read_tensors(path).items()}
        write_weights(path, tensors, read_weights_header(path))
    return str(folder)


def compare(settings: GenerateSettings) -> None:
    """Print both rates and their ratio."""
    cascade = Job(settings).load().cascade
    prompts = read_prompts(settings.prompts, settings.seconds, settings.seed).prompts
    requests = [Request(prompt.key, prompt.prompt, prompt.seconds, prompt.seed) for prompt in prompts]
    generate_requests(cascade, requests[:1])
    bare = measured(lambda: generate_requests(cascade, requests, settings.run.workers))
    job = measured(lambda: generate(settings))
    print(f"{len(generate(settings).clips)} of {len(requests)} clips were sound enough to be kept")
    for what, (cpu, clock) in (("bare loop", bare), ("batch job", job)):
        print(f"{what}  {cpu / len(requests):6.2f} CPU s a clip, {clock / len(requests):6.2f} s")
    print(f"batch job against the bare loop: {bare[0] / job[0]:.3f} of its rate in CPU time, {bare[1] / job[1]:.3f} by the clock")


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of all threads, and seconds of the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - clock


if __name__ == "__main__":
    main()
