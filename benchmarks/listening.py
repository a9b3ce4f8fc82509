"""How often the intervals of a listening test hold the truth, and what percentiles of the same resamples would do.

    python -m benchmarks.listening --raters 8

Simulated raters of four systems with known strengths (150, 50, 0, -200 Elo) and 60 Elo for who is heard first, 24 pairs each.
"""

import click
import numpy as np

from noise2music.evaluation.listening.bradley_terry import ELO, fit
from noise2music.evaluation.listening.ranking import LEVEL, outcome_counts, resampled_strengths, t_interval
from tests.evaluation.listening.simulated import answered, listener, made_test

STRENGTHS = {"a": 150.0, "b": 50.0, "c": 0.0, "d": -200.0}
FIRST = 60.0


@click.command()
@click.option("--raters", default=8, show_default=True, help="Raters of a test.")
@click.option("--pairs", default=24, show_default=True, help="Pairs of a rater.")
@click.option("--tests", default=150, show_default=True, help="Tests that are simulated.")
def main(raters: int, pairs: int, tests: int) -> None:
    """Print the share of intervals that hold the truth."""
    questionnaire, key = made_test(list(STRENGTHS), raters, pairs)
    truth = np.array([*STRENGTHS.values(), FIRST])
    held, by_percentile, widths = np.zeros(len(truth)), np.zeros(len(truth)), []
    for seed in range(tests):
        answers = [answered(questionnaire, key, listener(STRENGTHS, first=FIRST), sheet, seed) for sheet in range(raters)]
        counts = outcome_counts("text", answers, key)
        found = fit(counts.sum(axis=0)[None])
        values = np.array([*found.strengths[0], found.position[0]]) * ELO
        drawn = resampled_strengths(counts, seed)
        tails = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        by_percentile += (tails[0] <= truth) & (truth <= tails[1])
        for place, value in enumerate(values):
            low, high = t_interval(float(value), drawn[:, place], raters)
            if low is not None and high is not None:
                held[place] += low <= truth[place] <= high
                widths.append(high - low)
    print(f"{raters} raters, {pairs} pairs each, {tests} tests; intervals are {np.mean(widths):.0f} Elo wide")
    for name, shares in (("Student's t", held), ("percentiles", by_percentile)):
        print(f"{name}: {', '.join(f'{share:.1%}' for share in shares / tests)} (strengths; the last: who is heard first)")


if __name__ == "__main__":
    main()
