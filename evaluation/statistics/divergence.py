"""How differently a tagger hears two clips: the divergence of its posteriors, each tag a coin of its own."""

import numpy as np

from noise2music.core.arrays import Float32s, Float64s

_FLOOR = 1e-6


def tag_divergences(of: Float32s, against: Float32s) -> Float64s:
    """(n, tags) posteriors of references and (m, tags) of clips -> (n, m) sum over tags of KL(reference || clip), in nats.

    A tagger's posteriors are not exclusive, so nothing is brought to a sum of one: each tag is a Bernoulli variable.
    """
    p = np.clip(of.astype(np.float64), _FLOOR, 1 - _FLOOR)
    q = np.clip(against.astype(np.float64), _FLOOR, 1 - _FLOOR)
    own = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(0.0, own - p @ np.log(q).T - (1 - p) @ np.log(1 - q).T), np.float64)
