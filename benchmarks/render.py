"""How fast music is rendered: python -m benchmarks.render --pieces 100"""

import argparse
import time

from noise2music.synth.render import render_piece


def main() -> None:
    """Print seconds for N pieces on one core, and pieces a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    wall, cpu = time.perf_counter(), time.process_time()
    for index in range(options.pieces):
        render_piece(0, index, options.seconds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{options.pieces} pieces of {options.seconds:g} s: {wall:.1f} s (CPU {cpu:.1f} s), {options.pieces / wall:.1f} pieces/s")
    print(f"{options.pieces * options.seconds / wall:.0f} times faster than it plays; 30 s pieces at 0.6 s each would be 50 times")


if __name__ == "__main__":
    main()
