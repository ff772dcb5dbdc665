"""The eight steps of the lesson: where each leads, what it asks, and how the program finds the answer.

No answer is written down here: each is computed from the networks, the photo and the gallery that the learner sees, so
it stays true when networks change. Questions and answers are Markdown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from siam.datasets.rendered import ATTRIBUTES
from siam.datasets.rendered.crowd import true_templates
from siam.drawing.phrases import at, listing, number, score_text, signed, where, words
from siam.evaluation.metrics import kendall_tau
from siam.explanation.inference import Contribution, Explanation
from siam.explanation.templates import stamp, stamp_effect, usual_amount
from siam.explanation.what_if import Scale, apply
from siam.explanation.wording import others_text, sentence
from siam.gallery.cases import Cases
from siam.models.checkpoint import Pair
from ui.state.markdown import plain

BLIND = ("eigen_cam", "siam", "cam")  # explainers whose maps the learner sees without their names
_CHOICES = 5  # attributes to choose from
_NAMED = 3  # parts of a score that are told one by one
_SIDE = 3  # cells of the stamp
_SAME, _ALIKE, _OTHER = "the same places", "partly the same places", "different places"
_ALIKE_FROM, _SAME_FROM = 0.3, 0.7  # of the rank correlation of two maps


class NoAnswerError(Exception):
    """What a step needs is not there; the message says what."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a step is about.

    Attributes:
        pair: the networks in use.
        explanation: of the step's photo, if it has one.
        cases: of the gallery in use, if there is one.
        row: of the step's photo in that gallery.
        maps: (h, w) of the explainers in `BLIND`, if the step compares them.
    """

    pair: Pair
    explanation: Explanation | None = None
    cases: Cases | None = None
    row: int | None = None
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def photo(self) -> Explanation:
        """Return the explanation of the step's photo.

        Raises:
            NoAnswerError: there is none.
        """
        if self.explanation is None:
            raise NoAnswerError("The picture of this step is not in the gallery in use.")
        return self.explanation

    def rated(self) -> Cases:
        """Return the cases of a gallery whose photos people rated.

        Raises:
            NoAnswerError: there is none.
        """
        if self.cases is None or not self.cases.rated or self.names != self.cases.gallery.about.attributes:
            raise NoAnswerError("Nobody rated the photos of the gallery in use.")
        return self.cases

    def density(self) -> np.ndarray:
        """Return what each place of the step's scene really adds to the score, (H, W).

        Raises:
            NoAnswerError: that is not known.
        """
        masks = None if self.cases is None or self.row is None else self.cases.gallery.masks(self.row)
        if masks is None or self.names != ATTRIBUTES:
            raise NoAnswerError("The truth about the picture of this step is not known.")
        from siam.comparison.pictures import true_density  # imported here, since it needs PyTorch

        return true_density(masks)

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes of the networks."""
        return self.pair.config.attributes


def capital(text: str) -> str:
    """Return a text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


class Question(NamedTuple):
    """What the learner predicts: one of `options`, or a number from `low` to `high` if there are none."""

    text: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


class Answer(NamedTuple):
    """What the program found: one of the question's options or a number, and why, as Markdown."""

    value: str | float
    text: str


@dataclass(frozen=True)
class Step:
    """One step of the lesson.

    Attributes:
        title: its name.
        minutes: it takes.
        idea: what the learner needs to know first.
        page: script of the page that shows it.
        parameters: of the page's address.
        ask: returns its question.
        answer: returns its answer.
        do: what to try on the page then.
        look_first: whether the page, which tells the answer to some questions, is shown before the prediction.
        blind: whether explainers' maps are shown under letters.
    """

    title: str
    minutes: int
    idea: str
    page: str
    parameters: Mapping[str, str]
    ask: Callable[[Material], Question]
    answer: Callable[[Material], Answer]
    do: str
    look_first: bool = False
    blind: bool = False


# 1. What does it see?


def largest(explanation: Explanation) -> list[Contribution]:
    """Return the attributes to choose from: those that count most for the score, by name."""
    return sorted(explanation.ranking(count=_CHOICES), key=lambda item: item.attribute)


def _ask_largest(material: Material) -> Question:
    options = tuple(words(item.attribute) for item in largest(material.photo()))
    return Question("Which attribute counts most for the score of this photo, up or down?", options)


def _tell_largest(material: Material) -> Answer:
    explanation = material.photo()
    first = explanation.ranking()[0]
    name, place = words(first.attribute), where(explanation.contribution_maps[first.index])
    verb = "raises" if first.value > 0 else "lowers"
    return Answer(
        name,
        f"**{plain(capital(name))}** counts most: it {verb} the score by {number(abs(first.value))} points, "
        f"mostly {at(place)}. The whole answer: {plain(sentence(explanation))}",
    )


# 2. The parts add up


def _ask_sum(material: Material) -> Question:
    explanation = material.photo()
    parts = [f"{plain(words(item.attribute))} {signed(item.value)}" for item in explanation.ranking(count=_NAMED)]
    rest = others_text(len(explanation.attributes) - len(parts), explanation.others(len(parts)))
    scale = explanation.scale
    return Question(
        f"For this photo the bias is {number(explanation.bias)}, and the contributions are {', '.join(parts)}"
        f"{f', and {rest}' if rest else ''}. What is SIAM’s score, on its scale from {scale.low:g} to {scale.high:g}?",
        low=float(scale.low),
        high=float(scale.high),
    )


def _tell_sum(material: Material) -> Answer:
    explanation = material.photo()
    parts = [item.value for item in explanation.ranking(count=_NAMED)]
    terms = [number(explanation.bias), *(f"{signed(value)[0]} {signed(value)[1:]}" for value in _shown(parts))]
    rest = explanation.others(len(parts))
    terms += [f"{signed(value)[0]} {signed(value)[1:]}" for value in _shown([rest])]
    return Answer(
        explanation.scenicness,
        f"{' '.join(terms)} = **{number(explanation.scenicness)}**. Nothing is left over: the explanation is how the "
        "score was computed. (Every number here is rounded, so your sum may differ in the last digit.)",
    )


def _shown(values: list[float]) -> list[float]:
    return [value for value in values if signed(value) != "0.00"]


# 3. Goes with, or counts?


class Conflict(NamedTuple):
    """An attribute that goes with the crowd's ratings one way and counts the other way.

    Attributes:
        attribute: its index.
        tau: Kendall's tau of its presence and the ratings, over the photos.
        share: of the photos in which its contribution has the sign of its mean.
        mean: of its contributions, in points.
        companion: index of the attribute that is seen in the same photos and counts the way the first only goes.
        together: correlation of their presences.
        companion_mean: mean contribution of the companion, in points.
    """

    attribute: int
    tau: float
    share: float
    mean: float
    companion: int | None
    together: float
    companion_mean: float


def conflict(presence: np.ndarray, contributions: np.ndarray, ratings: np.ndarray) -> Conflict | None:
    """Return the clearest conflict between correlation and contribution; None if all attributes agree in sign.

    Args:
        presence: (N, K) of attributes in N photos.
        contributions: (N, K) points.
        ratings: (N,) mean ratings; photos without one (NaN) are left out.
    """
    known = ~np.isnan(ratings)
    presence, contributions, ratings = presence[known], contributions[known], ratings[known]
    means = contributions.mean(axis=0)
    varied = (np.ptp(presence, axis=0) > 0) & (len(ratings) > 1)
    taus = np.array([kendall_tau(presence[:, k], ratings) if varied[k] else 0.0 for k in range(len(means))])
    clash = np.nan_to_num(-taus * means)
    k = int(clash.argmax())
    if clash[k] <= 0:
        return None
    others = [j for j in np.flatnonzero(varied) if j != k and means[j] * taus[k] > 0]
    together = {int(j): float(np.corrcoef(presence[:, k], presence[:, j])[0, 1]) for j in others}
    companion = max(together, key=together.__getitem__, default=None)
    return Conflict(
        attribute=k,
        tau=float(taus[k]),
        share=float((np.sign(contributions[:, k]) == np.sign(means[k])).mean()),
        mean=float(means[k]),
        companion=companion,
        together=0.0 if companion is None else together[companion],
        companion_mean=0.0 if companion is None else float(means[companion]),
    )


_RAISES, _LOWERS = "it raises the score", "it lowers the score"


def _conflict(material: Material) -> Conflict:
    cases = material.rated()
    found = conflict(cases.gallery.presence, cases.gallery.contributions, cases.table["crowd"].to_numpy(dtype=float))
    if found is None:
        raise NoAnswerError("In the gallery in use, every attribute goes with the ratings the way it counts.")
    return found


def _ask_conflict(material: Material) -> Question:
    found, photos = _conflict(material), _rated_photos(material)
    name = plain(words(material.names[found.attribute]))
    return Question(
        f"Over {photos:,} photos, people’s ratings are {'higher' if found.tau > 0 else 'lower'} where SIAM sees more "
        f"*{name}* (correlation τ {signed(found.tau)}; the chart below shows such figures for every attribute). "
        f"What does *{name}* do to SIAM’s score in most photos?",
        (_RAISES, _LOWERS),
    )


def _tell_conflict(material: Material) -> Answer:
    found = _conflict(material)
    name = plain(words(material.names[found.attribute]))
    text = (
        f"**{capital(name)}** {'raises' if found.mean > 0 else 'lowers'} the score in {_percent(found.share)} of the "
        f"photos, by {number(abs(found.mean))} points on average, although it goes with "
        f"{'higher' if found.tau > 0 else 'lower'} ratings."
    )
    if found.companion is not None and found.together > 0:
        other = plain(words(material.names[found.companion]))
        text += (
            f" Look at its company: *{other}* is seen in the same photos (correlation {signed(found.together)}), and "
            f"the network gives the credit to that: {signed(found.companion_mean)} points on average."
        )
    return Answer(
        _RAISES if found.mean > 0 else _LOWERS,
        f"{text} Correlation says what occurs together; a contribution says what was added.",
    )


def _rated_photos(material: Material) -> int:
    return int(np.isfinite(material.rated().table["crowd"].to_numpy(dtype=float)).sum())


# 4. Where and how much

_WIRE = "wire"
_TOP, _BOTTOM = "near the top", "near the bottom"


class Ends(NamedTuple):
    """What an attribute adds near the top and near the bottom of a picture, in points, and the two rows (from 1)."""

    top: float
    bottom: float
    rows: tuple[int, int]
    column: int


def ends(template: np.ndarray, amount: float = 1.0) -> Ends:
    """Return what a square of an attribute adds at both ends of the middle column of a template (g, g)."""
    size = len(template)
    rows, column = (min(2, size), max(size - 1, 1)), (size + 1) // 2
    top, bottom = (stamp_effect(template, stamp(size, row - 1, column - 1, _SIDE), amount) for row in rows)
    return Ends(top, bottom, rows, column)


def _wire(material: Material) -> tuple[Ends, int]:
    if _WIRE not in material.names:
        raise NoAnswerError("The networks in use do not know the attribute wire.")
    k, cases = material.names.index(_WIRE), material.cases
    amount = 1.0
    if cases is not None and cases.gallery.about.attributes == material.names:
        amount = usual_amount(cases.gallery.presence[:, k], material.pair.config.attribute_link)
    return ends(material.pair.templates[0][k], amount), k


def _ask_ends(material: Material) -> Question:
    _wire(material)
    return Question(
        "The same wire, once near the top of the picture and once near the bottom: where is the score lower?",
        (_TOP, _BOTTOM),
    )


def _tell_ends(material: Material) -> Answer:
    found, k = _wire(material)
    text = (
        f"A wire **near the top** changes the score by **{signed(found.top)}**, the same wire **near the bottom** by "
        f"**{signed(found.bottom)}**. The map only says where the wire is; the template says how much it counts there."
    )
    if material.names == ATTRIBUTES and material.pair.name == "rendered":
        truth = ends(true_templates(len(material.pair.templates[0][k]))[k])
        if truth.bottom:
            times = truth.top / truth.bottom
            text += (
                f" Is that right? A program drew this world, and in its own formula a wire near the top counts "
                f"{times:.1f} times as much as one near the bottom"
            )
            text += f"; to the network, {found.top / found.bottom:.1f} times." if found.top * found.bottom > 0 else "."
    return Answer(_TOP if found.top < found.bottom else _BOTTOM, text)


# 5. What if?


def _worst(material: Material) -> Contribution:
    worst = min(material.photo().ranking(), key=lambda item: item.value)
    if worst.value >= 0:
        raise NoAnswerError("No attribute lowers the score of this photo.")
    return worst


def _ask_without(material: Material) -> Question:
    explanation, name = material.photo(), plain(words(_worst(material).attribute))
    scale = explanation.scale
    return Question(
        f"SIAM gives this photo {score_text(explanation.scenicness, scale)}. What lowers the score most is *{name}*. "
        f"Without *{name}*, what would the score be?",
        low=float(scale.low),
        high=float(scale.high),
    )


def _tell_without(material: Material) -> Answer:
    explanation, worst = material.photo(), _worst(material)
    after = apply(explanation, [Scale(worst.index, 0.0)])
    name = plain(words(worst.attribute))
    return Answer(
        after.scenicness,
        f"Without *{name}*, it is **{score_text(after.scenicness, after.scale)}**: exactly the contribution of "
        f"{signed(worst.value)} taken away, and no network had to run again. But only the map was changed, not the "
        f"photo. In a new photo without *{name}*, the network might see something else in its place.",
    )


# 6. What a baseline hides


class Reasons(NamedTuple):
    """How far two maps of one scene agree with each other, and each with the truth: rank correlations."""

    together: float
    siam: float
    baseline: float


def reasons(siam: np.ndarray, baseline: np.ndarray, density: np.ndarray) -> Reasons:
    """Return how far SIAM's total map, the baseline's (each h x w) and the true density (H, W) agree."""
    import torch

    from siam.comparison.agreement import rank_correlation  # imported here, since both need seconds

    one, two, truth = (torch.tensor(np.asarray(of, dtype=np.float64)) for of in (siam, baseline, density))
    return Reasons(rank_correlation(one, two), rank_correlation(one, truth), rank_correlation(two, truth))


def _baseline(material: Material) -> tuple[Explanation, float, np.ndarray]:
    explanation = material.photo()
    if explanation.baseline_scenicness is None or explanation.baseline_map is None:
        raise NoAnswerError("The networks in use have no baseline.")
    return explanation, explanation.baseline_scenicness, explanation.baseline_map


def _ask_reasons(material: Material) -> Question:
    explanation, score, _map = _baseline(material)
    return Question(
        f"SIAM gives this scene {score_text(explanation.scenicness, explanation.scale)}, and the baseline "
        f"{number(score)}. Do both scores come from the same places in the picture? Guess before you see the maps.",
        (_SAME, _ALIKE, _OTHER),
    )


def _tell_reasons(material: Material) -> Answer:
    explanation, _score, baseline_map = _baseline(material)
    found = reasons(explanation.total_map, baseline_map, material.density())
    value = _SAME if found.together >= _SAME_FROM else _ALIKE if found.together >= _ALIKE_FROM else _OTHER
    text = (
        f"They come from **{value}**: cell by cell, the two maps agree with a rank correlation of "
        f"{signed(found.together)} (1: the same order, 0: chance). The truth about this scene is known; SIAM’s map "
        f"correlates with it at {signed(found.siam)}, the baseline’s at {signed(found.baseline)}."
    )
    cases = material.rated()
    shares = cases.summary(np.arange(len(cases.table)))
    if shares["first_closer"] is not None:
        text += (
            f" Yet over all {shares['n']:,} scenes of this gallery, SIAM’s score is closer to the crowd’s in "
            f"{_percent(shares['first_closer'])}, the baseline’s in {_percent(shares['second_closer'])}."
        )
    return Answer(value, f"{text} A good score does not prove a good reason, and a baseline names none.")


# 7. When explanations disagree


def letters(maps: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return the letters under which the maps of explainers are shown: "A", "B", …, by name."""
    return {name: f"map {chr(ord('A') + place)}" for place, name in enumerate(maps)}


def hits(maps: Mapping[str, np.ndarray], density: np.ndarray) -> tuple[dict[str, float], float]:
    """Return the pixel AP of each map (h, w) against the true region, by name, and that of chance.

    The true region is the smallest that holds half of what raises the score, of a density (H, W).

    Raises:
        NoAnswerError: nothing raises the score, or everything does.
    """
    import torch

    from siam.comparison.agreement import against_mask, evidence

    region = evidence(density)
    if not 0 < region.mean() < 1:
        raise NoAnswerError("Nothing in this scene raises the score in one place more than in another.")
    found = {name: against_mask(torch.tensor(np.asarray(of)), region) for name, of in maps.items()}
    return {name: of["pixel_ap"] for name, of in found.items()}, float(region.mean())


def _maps(material: Material) -> Mapping[str, np.ndarray]:
    if len(material.maps) < 2:
        raise NoAnswerError("Too few explainers can explain the networks in use.")
    return material.maps


def _ask_hits(material: Material) -> Question:
    maps = _maps(material)
    material.photo()
    return Question(
        "Three explainers were asked what raises the score of this scene, and their maps differ. Which one points best "
        "to what really raises it? You do not see their names yet."
        if len(maps) == len(BLIND)
        else "Which of these maps points best to what really raises the score?",
        tuple(letters(maps).values()),
    )


def _tell_hits(material: Material) -> Answer:
    from siam.explainers.registry import title

    maps = _maps(material)
    found, chance = hits(maps, material.density())
    shown, best = letters(maps), max(found, key=found.__getitem__)
    figures = [f"{shown[name]}, {plain(title(name))}: {number(found[name])}" for name in maps]
    return Answer(
        shown[best],
        f"**{capital(shown[best])}**, {plain(title(best))}. How well each map finds the true region (average "
        f"precision of its pixels; 1 is perfect, chance is {number(chance)}): {'; '.join(figures)}. "
        "For a photo, nobody could say which map is right. A program drew this scene and knows what is where and what "
        "it is worth, so there is a truth to compare with. But one scene is an anecdote, not a proof.",
    )


# 8. Whose taste is this?

_COUNTS = (100, 300, 1_000, 10_000, 100_000, 1_000_000)


class Taste(NamedTuple):
    """Whose taste networks learned.

    Attributes:
        photos: that people rated.
        raters: median number of people who rated one of them; None if unknown.
        never: attributes that the networks hardly recognise.
        limits: of the networks, as their card says.
    """

    photos: int
    raters: int | None
    never: tuple[str, ...]
    limits: str


def taste(pair: Pair, cases: Cases | None) -> Taste:
    """Return whose taste a pair learned, from its card and the votes of a gallery.

    Raises:
        NoAnswerError: the card does not count the rated photos.
    """
    metrics = pair.card.get("metrics") or {}
    sets = metrics.get("siam") or {}
    # Only in a cross-validation are the photos that were judged those that people's ratings taught.
    if "cross-validation" not in str(metrics.get("protocol", "")) or not sets:
        raise NoAnswerError("The card of the networks in use does not count the photos that people rated.")
    votes = None if cases is None else cases.table["votes"].dropna().to_numpy(dtype=float)
    return Taste(
        photos=sum(int(figures["n"]) for figures in sets.values()),
        raters=None if votes is None or not len(votes) else int(np.median(votes)),
        never=tuple(name for name, of in pair.recognition.items() if of.belief == "hardly"),
        limits=str(pair.card.get("limits", "")),
    )


def _ask_taste(material: Material) -> Question:
    taste(material.pair, material.cases)
    return Question(
        "About how many photos did people rate to teach these networks what is beautiful?",
        tuple(f"{count:,}" for count in _COUNTS),
    )


def _tell_taste(material: Material) -> Answer:
    found = taste(material.pair, material.cases)
    nearest = min(_COUNTS, key=lambda count: abs(np.log(count / max(found.photos, 1))))
    text = f"**{found.photos:,} photos.**"
    if found.raters is not None and material.cases is not None:
        text += f" In the gallery in use, about {found.raters:,} people rated each photo."
    if found.limits:
        text += f" What the makers admit: “{plain(found.limits)}”"
    if found.never:
        some = listing([words(name) for name in found.never[:_NAMED]])
        text += (
            f" The networks hardly recognise {len(found.never)} of their {len(material.names)} attributes, such as "
            f"{plain(some)}."
        )
    return Answer(
        f"{nearest:,}", f"{text} Not “beautiful”, then, but: beautiful to these people, in photos like these."
    )


_EXPLAIN, _WHAT_IF = "pages/explain.py", "pages/what_if.py"
_PHOTOS, _RENDERED = {"pair": "Photos"}, {"pair": "Rendered", "gallery": "Rendered landscapes"}

STEPS = (
    Step(
        "What does it see?", 5,
        "SIAM is a network that says how beautiful people would find a landscape photo. It looks for named "
        "*attributes*, such as trees or road, and what each of them adds to the score or takes away is its "
        "*contribution*.",
        _EXPLAIN, {**_PHOTOS, "sample": "mountain-path"}, _ask_largest, _tell_largest,
        "Find its map below and press “Look closer”. Is that thing really there?",
    ),
    Step(
        "The parts add up", 4,
        "A contribution is no estimate. SIAM starts from the *bias*, the score of a photo in which it sees nothing, "
        "and then adds all contributions, the negative ones too.",
        _EXPLAIN, {**_PHOTOS, "sample": "lake-boats"}, _ask_sum, _tell_sum,
        "The waterfall below is the same sum as a picture. Choose another photo and check its sum.",
    ),
    Step(
        "Goes with, or counts?", 7,
        "Where there are mountains, there are often paths. So one thing can *go with* high ratings while another earns "
        "them. Correlation and contribution are two different questions.",
        "pages/results.py", {**_PHOTOS, "gallery": "OASIS scenes", "table": "Presence"}, _ask_conflict, _tell_conflict,
        "Find two more attributes in the chart that people may like or dislike only for their company.",
        look_first=True,
    ),
    Step(
        "Where, and how much", 6,
        "The *map* of an attribute says where it is in one photo. Its *template* says what it is worth at each place "
        "in any photo. Map times template, added up, is the contribution. This step uses other networks, *Rendered*, "
        "which know only landscapes that a computer drew.",
        "pages/templates.py", {**_RENDERED, "attribute": _WIRE, "row": "2", "column": "4", "size": "3"},
        _ask_ends, _tell_ends,
        "Move the wire yourself: below the templates, change the row, or click a cell.",
    ),
    Step(
        "What if?", 5,
        "As the score is a sum, one can take a part away and add up again. That answers “what if?” for the network, "
        "if not for the world.",
        _WHAT_IF, {**_PHOTOS, "sample": "street-with-a-mural"}, _ask_without, _tell_without,
        "Press “Remove it” below and compare the score. Which other attribute would you change?",
    ),
    Step(
        "What a baseline hides", 6,
        "The *baseline* is an ordinary network. It gives a score but no names, only a map of where its evidence lies. "
        "Two networks can agree on a score. Do they also agree on the reasons?",
        "pages/disagreements.py", {**_RENDERED, "case": "869"}, _ask_reasons, _tell_reasons,
        "Compare the two maps below, then the masks under “The truth”.",
    ),
    Step(
        "When explanations disagree", 7,
        "There are many *explainers*, methods that draw a map of what a network’s score rests on. They often disagree, "
        "and all their maps look convincing.",
        "pages/compare.py", {**_RENDERED, "case": "99"}, _ask_hits, _tell_hits,
        "Below are all maps with their names, and the truth. Do the more popular methods do better?", blind=True,
    ),
    Step(
        "Whose taste is this?", 5,
        "A network has no taste. It repeats what some people said about some photos, and it knows nothing else.",
        "pages/results.py", {**_PHOTOS, "gallery": "OASIS scenes", "table": "Model cards"}, _ask_taste, _tell_taste,
        "Read the card below. Which landscapes and which people are missing? Then explain a photo of a place you like.",
    ),
)  # fmt: skip
