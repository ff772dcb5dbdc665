"""What people are told of each explainer: its name in print, its paper, and in one sentence how it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExplainerFacts:
    """The name in print, the paper's short reference, its address, and how the method works."""

    title: str
    paper: str
    link: str
    idea: str


_ARXIV = "https://arxiv.org/abs/"

FACTS = {
    "siam": ExplainerFacts(
        "SIAM",
        "Marcos, Lobry, Tuia 2019",
        f"{_ARXIV}1909.08442",
        "The network's own terms: 33 named maps, weighted by place, which add up to the score.",
    ),
    "cam": ExplainerFacts(
        "CAM",
        "Zhou et al. 2016",
        f"{_ARXIV}1512.04150",
        "The baseline's own terms, cell by cell: last features times the final weights. Exact, but without words.",
    ),
    "grad_cam": ExplainerFacts(
        "Grad-CAM",
        "Selvaraju et al. 2017",
        f"{_ARXIV}1610.02391",
        "The last features, each weighted by the mean of its gradient; what is negative is dropped.",
    ),
    "grad_cam_pp": ExplainerFacts(
        "Grad-CAM++",
        "Chattopadhay et al. 2018",
        f"{_ARXIV}1710.11063",
        "Grad-CAM whose weights favour places where a feature alone would raise the score.",
    ),
    "layer_cam": ExplainerFacts(
        "Layer-CAM",
        "Jiang et al. 2021",
        "https://doi.org/10.1109/TIP.2021.3089943",
        "The last features, each weighted by its gradient at that very place.",
    ),
    "score_cam": ExplainerFacts(
        "Score-CAM",
        "Wang et al. 2020",
        f"{_ARXIV}1910.01279",
        "Each last feature map is laid over the photo as a mask and weighted by the score that is left.",
    ),
    "eigen_cam": ExplainerFacts(
        "Eigen-CAM",
        "Muhammad, Yeasin 2020",
        f"{_ARXIV}2008.00299",
        "The main direction of the last features. It does not know what is asked of it.",
    ),
    "occlusion": ExplainerFacts(
        "Occlusion",
        "Zeiler, Fergus 2014",
        f"{_ARXIV}1311.2901",
        "How far the score falls when a window is hidden, window by window.",
    ),
    "integrated_gradients": ExplainerFacts(
        "Integrated gradients",
        "Sundararajan, Taly, Yan 2017",
        f"{_ARXIV}1703.01365",
        "The gradient of every pixel, summed along the way from a plain picture to the photo.",
    ),
    "rise": ExplainerFacts(
        "RISE",
        "Petsiuk, Das, Saenko 2018",
        f"{_ARXIV}1806.07421",
        "Thousands of random masks: a place counts by the mean score of the masks that show it.",
    ),
    "sise": ExplainerFacts(
        "SISE",
        "Sattarzadeh et al. 2021",
        f"{_ARXIV}2010.00672",
        "Feature maps of every block that raise the score serve as masks; the blocks' results are fused.",
    ),
    "ada_sise": ExplainerFacts(
        "Ada-SISE",
        "Sudhakar et al. 2021",
        f"{_ARXIV}2102.07799",
        "SISE that keeps only as many feature maps of each block as Otsu's threshold says.",
    ),
    "lcam_fm": ExplainerFacts(
        "L-CAM-Fm",
        "Gkartzonika, Gkalelis, Mezaris 2022",
        f"{_ARXIV}2209.11189",
        "A small attention layer, trained once to hide features without changing the score.",
    ),
    "lcam_img": ExplainerFacts(
        "L-CAM-Img",
        "Gkartzonika, Gkalelis, Mezaris 2022",
        f"{_ARXIV}2209.11189",
        "The same attention, trained to hide parts of the photo itself.",
    ),
    "vebi": ExplainerFacts(
        "VEBI",
        "Oramas, Wang, Tuytelaars 2019",
        f"{_ARXIV}1712.06302",
        "A sparse regression picks the features that go with high scores; the top three are traced to pixels.",
    ),
    "random": ExplainerFacts("Random", "reference", "", "Noise in cells as large as those of the last features."),
    "siam_random": ExplainerFacts("Random, on SIAM", "reference", "", "The same noise, judged by SIAM's score."),
    "centre": ExplainerFacts("Centre", "reference", "", "Always the middle of the picture."),
    "truth": ExplainerFacts(
        "Truth", "reference", "", "The true mask itself, averaged over each cell: the best one can do."
    ),
}


def title(name: str) -> str:
    """Return the name in print of an explainer; "siam:<attribute>" is SIAM's map of that attribute."""
    family, _, attribute = name.partition(":")
    return f"{FACTS[family].title}: {attribute.replace('_', ' ')}" if attribute else FACTS[family].title
