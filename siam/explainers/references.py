"""Controls for judging explainers: maps that need no explainer (`siam.comparison.controls` makes them)."""

from siam.explainers.base import Description


def _control(title: str, idea: str) -> Description:
    return Description(title, "control", "", idea)


REFERENCES = {
    "truth": _control("Truth", "The true mask itself, averaged over each cell: the best possible."),
    "uniform": _control("Uniform", "Every place counts the same; ties are ordered at random, pixel by pixel."),
    "centre": _control("Centre", "Always the middle of the picture."),
    "black": _control("Black", "No place counts: nothing of the picture is kept where the map weighs it."),
    "random": _control("Random", "Noise, in cells the size of the last features' cells."),
    "edges": _control("Edges", "How sharply the brightness changes (Sobel's filter), whatever the network."),
    "grad_cam_pale": _control("Grad-CAM to the power ¼", "Grad-CAM's order with other brightness."),
    "truth_elsewhere": _control("Truth of another picture", "The true mask of the next picture."),
}
