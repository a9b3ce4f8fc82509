"""Arrays by the type of their numbers."""

import numpy as np
import numpy.typing as npt

Float32s = npt.NDArray[np.float32]


Float64s = npt.NDArray[np.float64]


Int64s = npt.NDArray[np.int64]
