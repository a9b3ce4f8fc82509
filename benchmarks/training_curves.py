"""Loss curves of a training run as pictures for the documentation.

python -m benchmarks.training_curves runs/tiny/cascade -o docs/curves

For every stage below the folder that has a log: its training loss and the loss on the fixed grid, over clips seen, as STAGE.svg; and one
line of figures each.
"""

import argparse
import statistics
from pathlib import Path

from noise2music.flows.pages.html import svg_picture
from noise2music.flows.pages.training import loss_chart
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training.log import read_journal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cascade", type=Path, help="the `out` of a training file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        folder = options.cascade / stage
        if not (grid := read_journal(folder, "validation")):
            continue
        (options.output / f"{stage}.svg").write_bytes(svg_picture(loss_chart(folder)))
        steps = read_journal(folder, "step")
        rate = statistics.median(step["clips_per_second"] for step in steps)
        waited = sum(step["data_wait"] for step in steps) / len(steps)
        print(
            f"{stage:<22} {steps[-1]['clips']:>8,} clips  grid {grid[0]['loss']:.4f} -> {grid[-1]['loss']:.4f}  "
            f"{rate:6.1f} clips/s  waiting for data {waited:.2%}"
        )


if __name__ == "__main__":
    main()
