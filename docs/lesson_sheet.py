"""The teacher's sheet of the lesson: its time table, and each question with the program's answer."""

from functools import cache

import siam
from siam.explainers.attribution import attribute_photo, names_of, network_for
from siam.explainers.targets import score_up
from siam.gallery.cases import Cases, read_cases
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.images.preprocessing import least_side, preprocess
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from siam.results.paper import markdown_table
from siam.runtime.paths import ASSETS
from ui.lesson.steps import BLIND, STEPS, Material, Step

_PAIRS = {"Photos": "photo", "Rendered": "rendered"}
_GALLERIES = {"OASIS scenes": "oasis", "Rendered landscapes": "rendered"}


def times() -> str:
    """Return the time table."""
    rows, begun = [["from minute", "step", "page", "minutes"]], 0
    for number, step in enumerate(STEPS, 1):
        page = step.page.removeprefix("pages/").removesuffix(".py").replace("_", "-").capitalize()
        rows.append([str(begun), f"{number}. {step.title}", page, str(step.minutes)])
        begun += step.minutes
    return f"{markdown_table(rows)}\n\n{begun} minutes in all."


def solutions() -> str:
    """Return each step's question, its answer by the bundled networks, and what learners try then."""
    return "\n\n".join(_solution(number, step) for number, step in enumerate(STEPS, 1))


def _solution(number: int, step: Step) -> str:
    material = material_of(step)
    question, answer = step.ask(material), step.answer(material)
    choices = f" ({'; '.join(question.options)})" if question.options else ""
    parts = [
        f"### {number}. {step.title}",
        step.idea,
        f"**Question.** {question.text}{choices}",
        f"**Answer.** {answer.text}",
        f"**Then.** {step.do}",
    ]
    return "\n\n".join(parts)


def material_of(step: Step) -> Material:
    """Return what a step is about, with the bundled networks."""
    pair = _pair(_PAIRS[step.parameters["pair"]])
    gallery = step.parameters.get("gallery")
    cases = None if gallery is None else _cases(_GALLERIES[gallery])
    if "sample" in step.parameters:
        path = next(sample.path for sample in load_samples() if sample.key == step.parameters["sample"])
        return Material(pair, siam.explain(pair, path), cases)
    row = None if cases is None else cases.row_of(step.parameters.get("case"))
    if cases is None or row is None:
        return Material(pair, cases=cases)
    path = cases.gallery.scored(row) or cases.gallery.picture(row)
    assert path is not None  # the bundled scenes come with their pictures
    maps = {}
    for name in (name for name in BLIND if step.blind and name in names_of(pair)):
        network = network_for(pair, name)
        picture = preprocess(read_image(path, least=least_side(network.config)), network.config)
        maps[name] = attribute_photo(network, picture, name, score_up()).numpy()
    return Material(pair, siam.explain(pair, path), cases, row, maps)


@cache
def _pair(name: str) -> Pair:
    return siam.load(name, device="cpu")


@cache
def _cases(name: str) -> Cases:
    return read_cases(read(ASSETS / "gallery" / name))
