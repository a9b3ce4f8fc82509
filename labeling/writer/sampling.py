"""How the next token is drawn: temperature, nucleus, and a number that is a pure function of (the request's seed, the token's place)."""

import numpy as np
import numpy.typing as npt

from labeling.ids import hash_uniform


def draw(logits: npt.NDArray[np.float32], temperature: float, top_p: float, seed: int, place: int) -> int:
    """(V,) logits -> a token id. temperature 0: the likeliest. Equal likelihoods rank by id.

    The nucleus is the smallest set of likeliest tokens with a probability of at least `top_p` (arXiv 1904.09751, section 3.1).
    """
    if temperature == 0:
        return int(np.argmax(logits))
    scaled = logits.astype(np.float64) / temperature
    likelihood = np.exp(scaled - scaled.max())
    order = np.argsort(-likelihood, kind="stable")
    cumulative = np.cumsum(likelihood[order])
    size = int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1
    uniform = float(hash_uniform(seed, np.full(1, place, np.uint64))[0])
    chosen = int(np.searchsorted(cumulative[:size], uniform * cumulative[min(size, len(order)) - 1], side="right"))
    return int(order[min(chosen, size - 1, len(order) - 1)])
