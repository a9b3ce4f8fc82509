"""Training steps of the waveform generator's U-Net against audio-diffusion-pytorch's UNetV0: same length, text, depths, and parameters.

python -m benchmarks.unet --other-python ENVIRONMENT/bin/python [--preset tiny --batch 8 --device cpu --precision fp32]

    python3 -m venv ENVIRONMENT && ENVIRONMENT/bin/pip install audio-diffusion-pytorch==0.1.3

A step is a forward and a backward pass with fused Adam. The other side has the same strides, blocks and attentions at the same depths;
its widths are scaled until its parameters are those of ours, which goes without its mask over the spectrum. Both sides are processes
that stay loaded and take turns, so that what else the machine does falls on both; the ratio is the median over the turns. MFU counts the
products of each side's own network.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other-python", help="the Python of the environment that has audio-diffusion-pytorch")
    parser.add_argument("--preset", default="tiny", choices=("tiny", "paper"))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="steps a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--side", choices=("ours", "other"), help=argparse.SUPPRESS)
    parser.add_argument("--plan", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        serve(options)
    elif options.other_python is None:
        parser.error("--other-python is needed")
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Let the two sides take turns and print what came out."""
    plan = make_plan(options.preset)
    sides = {"ours": start(options, sys.executable, "ours", plan), "other": start(options, options.other_python, "other", plan)}
    facts = {name: ask(side) for name, side in sides.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.turns):
        for name, side in sides.items():
            seconds[name].append(ask(side, "go")["seconds"] / options.steps)
    for side in sides.values():
        side.kill()
    peak = facts["ours"]["peak"]
    for name, fact in facts.items():
        step = statistics.median(seconds[name])
        mfu = 3 * fact["flops"] * options.batch / step / peak
        print(
            f"{name:<6} {fact['parameters'] / 1e6:8.2f} M parameters  {step * 1e3:9.1f} ms a step of {options.batch}  "
            f"{3 * fact['flops'] / 1e9:8.2f} GFLOP a clip  MFU {mfu:.1%}  torch {fact['torch']}"
        )
    ratios = [other / ours for ours, other in zip(seconds["ours"], seconds["other"], strict=True)]
    print(f"steps/s of ours over the other's: {statistics.median(ratios):.2f} (turns: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def make_plan(preset: str) -> dict[str, Any]:
    """What both sides build: our stage's numbers as plain values."""
    from noise2music.models.cascade.presets import stage_of

    stage = stage_of(preset, "waveform-generator")  # type: ignore[arg-type]
    shape = replace(stage.unet, mask_channels=0)
    with torch.device("meta"):
        from noise2music.models.network.unet import UNet

        parameters = sum(parameter.numel() for parameter in UNet(shape).parameters())
    length = -(-stage.positions(stage.crop_samples) // shape.stride) * shape.stride
    return {
        "preset": preset,
        "length": length,
        "tokens": stage.tokens,
        "text_width": shape.text_width,
        "widths": shape.widths,
        "strides": shape.strides,
        "blocks": shape.blocks,
        "attentions": [int(attends) for attends in shape.self_attention],
        "heads": shape.heads,
        "time": shape.width,
        "parameters": parameters,
    }


def start(options: argparse.Namespace, python: str, side: str, plan: dict[str, Any]) -> "subprocess.Popen[str]":
    told = {name: getattr(options, name) for name in ("preset", "batch", "threads", "steps", "device", "precision")}
    arguments = [argument for name, value in told.items() for argument in (f"--{name}", str(value))]
    command = [python, __file__, "--side", side, "--plan", json.dumps(plan), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(side: "subprocess.Popen[str]", word: str | None = None) -> dict[str, Any]:
    """The next line of a side, as JSON."""
    assert side.stdin is not None
    assert side.stdout is not None
    if word is not None:
        print(word, file=side.stdin, flush=True)
    answer: dict[str, Any] = json.loads(side.stdout.readline())
    return answer


def serve(options: argparse.Namespace) -> None:
    """One side: say what it is, then make steps whenever asked."""
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    plan, device = options.plan, torch.device(options.device)
    network, call = our_network(plan) if options.side == "ours" else other_network(plan)
    network.to(device)
    x = torch.randn(options.batch, 1, plan["length"], device=device)
    time_of = torch.rand(options.batch, device=device)
    text = torch.randn(options.batch, plan["tokens"], plan["text_width"], device=device)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32

    def step() -> None:
        with torch.autocast(device.type, dtype, enabled=dtype == torch.bfloat16):
            output = call(x, time_of, text)
        (output.float() - x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        call(x[:1], time_of[:1], text[:1])
    step()
    step()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    facts = {"parameters": parameters, "flops": counter.get_total_flops(), "torch": torch.__version__}
    if options.side == "ours":
        from noise2music.models.training.plan import measure_peak  # Which the other side's environment does not have.

        facts["peak"] = measure_peak(device, dtype)
    print(json.dumps(facts), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(options.steps):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


def our_network(plan: dict[str, Any]) -> tuple[torch.nn.Module, Any]:
    """The stage's own network."""
    from noise2music.models.cascade.presets import stage_of
    from noise2music.models.diffusion.inputs import Inputs
    from noise2music.models.network.unet import UNet

    network = UNet(replace(stage_of(plan["preset"], "waveform-generator").unet, mask_channels=0))

    def call(x: torch.Tensor, times: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        mask = torch.ones(text.shape[:2], dtype=torch.bool, device=text.device)
        return network(x, times, Inputs(text=text, text_mask=mask))  # type: ignore[no-any-return]

    return network, call


def other_network(plan: dict[str, Any]) -> tuple[torch.nn.Module, Any]:
    """UNetV0 with widths scaled until it has as many parameters as ours, within 2 %."""
    from audio_diffusion_pytorch import UNetV0

    def build(scale: float) -> torch.nn.Module:
        channels = [max(8, 8 * round(width * scale / 8)) for width in plan["widths"]]
        return UNetV0(  # type: ignore[no-any-return]
            dim=1,
            in_channels=1,
            channels=channels,
            factors=plan["strides"],
            items=plan["blocks"],
            attentions=plan["attentions"],
            cross_attentions=plan["attentions"],
            attention_heads=plan["heads"],
            attention_features=max(8, max(channels) // plan["heads"]),
            embedding_features=plan["text_width"],
            modulation_features=plan["time"],
        )

    def size(scale: float) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build(scale).parameters())

    scales = [step / 100 for step in range(20, 200)]
    network = build(min(scales, key=lambda scale: abs(size(scale) - plan["parameters"])))
    return network, lambda x, times, text: network(x, times, embedding=text)


if __name__ == "__main__":
    main()
