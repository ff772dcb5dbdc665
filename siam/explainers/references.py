"""References that explainers are held against: they look at no network (`siam.comparison.records` makes their maps)."""

from siam.explainers.base import Description

REFERENCES = {
    "random": Description("Random", "reference", "", "Noise in cells as large as those of the last features."),
    "siam_random": Description("Random, on SIAM", "reference", "", "The same noise, judged by SIAM's score."),
    "centre": Description("Centre", "reference", "", "Always the middle of the picture."),
    "truth": Description(
        "Truth", "reference", "", "The true mask itself, averaged over each cell: the best one can do."
    ),
}
