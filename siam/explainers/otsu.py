"""Otsu's threshold: the cut of a histogram that separates two classes best.

    t = argmax_t  n_0(t) n_1(t) (mean_1(t) - mean_0(t))²,   class 1 = the bins from t on

N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on Systems, Man, and Cybernetics
9(1), 1979, eq. 18 (the variance between the classes, times the square of the number of values).
"""

import torch
from torch import Tensor

BINS = 256


def otsu_threshold(values: Tensor, bins: int = BINS) -> float | None:
    """Return the lowest value of the upper class: values >= it belong to that class, and both classes have members.

    Of several cuts that are as good, as within a gap of the histogram, it is the lowest.

    Args:
        values: of any shape, in [0, 1]; 1 belongs to the highest bin.
        bins: of equal width, from 0 to 1.

    Returns:
        A multiple of 1 / bins in (0, 1), or None where all values share one bin, or there are none.
    """
    place = (values.flatten() * bins).long().clamp(0, bins - 1).cpu()
    counts = torch.bincount(place, minlength=bins).double()  # (bins,)
    sums = counts * torch.arange(bins)  # (bins,), in units of bins
    n_0, sum_0 = counts.cumsum(0)[:-1], sums.cumsum(0)[:-1]  # (bins - 1,): of the bins below the cuts 1, 2, …
    n_1, sum_1 = counts.sum() - n_0, sums.sum() - sum_0
    divides = (n_0 > 0) & (n_1 > 0)
    if not divides.any():
        return None
    between = n_0 * n_1 * (sum_1 / n_1 - sum_0 / n_0) ** 2  # 0/0 where a class is empty
    return (int(torch.where(divides, between, -1).argmax()) + 1) / bins
