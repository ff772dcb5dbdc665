"""References for judging explainers: they ignore the network (`siam.comparison.records` makes their maps)."""

from siam.explainers.base import Description

REFERENCES = {
    "random": Description("Random", "reference", "", "Noise, in cells the size of the last features' cells."),
    "siam_random": Description("Random, on SIAM", "reference", "", "The same noise, judged by SIAM's score."),
    "centre": Description("Centre", "reference", "", "Always the middle of the picture."),
    "truth": Description("Truth", "reference", "", "The true mask itself, averaged over each cell: the best possible."),
}
