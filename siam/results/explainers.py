"""Stored comparisons of explainers as tables, in plain text or Markdown: where, how faithful, at what cost."""

from collections.abc import Iterable, Mapping, Sequence

from siam.comparison.kept import FILLS
from siam.comparison.kept import SHARES as KEPT
from siam.drawing.phrases import signed
from siam.evaluation.figures import ClaimFigures, ExplainerFigures, HalfFigures, MeanFigure
from siam.evaluation.stored import Result
from siam.explainers.faithfulness import SHARES
from siam.explainers.references import REFERENCES
from siam.explainers.registry import EXPLAINERS, title
from siam.results import scores
from siam.results.assessment import columns as aligned
from siam.results.assessment import figure
from siam.results.paper import markdown_table

Methods = Mapping[str, Mapping[str, MeanFigure]]  # explainer → figure → its mean

KNOWN = (  # which orders are clear, and on what: true of the stored tables, as a test checks
    "**What is known.** On flowers, SISE marks the part that counts better than RISE, Grad-CAM and Score-CAM do, and "
    "VEBI better than Grad-CAM; L-CAM and Grad-CAM cannot be told apart once brightness no longer counts. On rendered "
    "scenes, Grad-CAM does better than two explainers said to beat it: VEBI marks the region that counts less well, "
    "and L-CAM-Img keeps less of the score on the same area. No other claim can be decided, not even that SIAM’s own "
    "map shows best where its score comes from: it cannot be told apart from Grad-CAM’s. On photos, SIAM’s map of "
    "an attribute finds what people outlined better than occlusion does, and cannot be told apart from Grad-CAM’s and "
    "RISE’s."
)
_SEEN = 0.005  # what two digits show
_FILLED = {"grey": "grey", "blur": "blurred", "inpaint": "inpainted"}
COLUMNS = {  # heading -> figures (joined by " / "), digits
    "EBPG": (("ebpg",), 2),
    "pixel AP": (("pixel_ap",), 2),
    "IoU area": (("iou_area",), 2),
    "truth": (("truth_rank",), 2),
    "removal": (("removal",), 2),
    "deletion": (("deletion",), 2),
    "insertion": (("insertion",), 2),
    **{f"kept, {_FILLED[fill]}": (tuple(f"kept_{share}_{fill}" for share in KEPT), 2) for fill in FILLS},
    **{f"rises, {_FILLED[fill]}": (tuple(f"rises_{share}_{fill}" for share in KEPT), 0) for fill in FILLS},
    "drop": (tuple(f"drop_{share}" for share in SHARES), 2),
    "increase": (tuple(f"increase_{share}" for share in SHARES), 0),
    "shuffled": (("randomised",), 2),
    "relabelled": (("relabelled",), 2),
    "passes": (("passes",), 0),
    "s": (("seconds",), 2),
    "MB": (("megabytes",), 0),
}
_HEADINGS = {
    **{f"kept, {name}": f"kept {' / '.join(map(str, KEPT))} %, {name}" for name in _FILLED.values()},
    **{f"rises, {name}": f"rises {' / '.join(map(str, KEPT))} %, {name}" for name in _FILLED.values()},
    "drop": f"drop {' / '.join(map(str, SHARES))} %",
    "increase": f"increase {' / '.join(map(str, SHARES))} %",
}


def comparisons(results: Iterable[Result]) -> list[tuple[Result, ExplainerFigures]]:
    """Return the results that hold a comparison, each with its comparison."""
    variants = [(result, result.figures.get("baseline")) for result in results]
    return [
        (result, found.comparison) for result, found in variants if found is not None and found.comparison is not None
    ]


def tables(results: Iterable[Result], *, markdown: bool = False) -> str:
    """Return the comparisons among the results as text."""
    return "\n".join(_table(result, figures, markdown) for result, figures in comparisons(results))


def rows(figures: ExplainerFigures, names: Iterable[str]) -> list[list[str]]:
    """Return a row of cells for each method, the controls first, under `title` and the given `COLUMNS`."""
    names = list(names)
    return [[heading(name), *(cell(of, column, figures.n) for column in names)] for name, of in figures.methods.items()]


def heading(method: str) -> str:
    """Return the name of an explainer or a control in print; of somebody's own explainer, its name as given."""
    family = method.partition(":")[0]
    return title(method) if family in EXPLAINERS or method in REFERENCES else method


def shown(figures: ExplainerFigures) -> list[str]:
    """Return the columns in which at least one method has a figure."""
    known = {key for means in figures.methods.values() for key in means}
    return [name for name, (keys, _digits) in COLUMNS.items() if known & set(keys)]


def headings(figures: ExplainerFigures, names: Iterable[str]) -> list[str]:
    """Return the headings of columns; those whose measures cannot tell explainers apart say so."""
    found = []
    for name in names:
        told = [figures.measures[key].decides for key in COLUMNS[name][0] if key in figures.measures]
        doubt = "" if not told or all(told) else " (cannot tell)" if not any(told) else " (cannot tell in part)"
        found.append(_HEADINGS.get(name, name) + doubt)
    return found


def cell(figures: Mapping[str, MeanFigure], column: str, usual: int) -> str:
    """Return the means of a method in a column, "–" for undefined ones, and n in brackets where it is not the usual."""
    keys, digits = COLUMNS[column]
    known = [figures.get(key) for key in keys]
    text = " / ".join(figure(None if one is None else one.mean, digits).replace("-", "−") for one in known)
    counts = {one.n for one in known if one is not None} - {usual, 1}
    return (
        f"{text} ({', '.join(str(count) for count in sorted(c for c in counts if c is not None))})" if counts else text
    )


def measure_title(key: str) -> str:
    """Return a short name of a figure, such as "kept 15 %, grey"."""
    column = next((name for name, (keys, _digits) in COLUMNS.items() if key in keys), key)
    share = next((part for part in key.split("_") if part.isdecimal()), "")
    first, comma, fill = column.partition(", ")
    return f"{first} {share} %{comma}{fill}" if share else column


def claim_rows(claims: Iterable[ClaimFigures]) -> list[list[str]]:
    """Return a row for each claim, under `CLAIM_HEADINGS`."""
    return [
        [
            f"{heading(claim.better)} before {heading(claim.worse)}",
            claim.outcome,
            measure_title(claim.figure),
            _difference(claim),
            str(claim.n),
            "–" if claim.effect is None else signed(claim.effect),
            figure(claim.detectable, _digits(claim)),
            claim.source,
        ]
        for claim in claims
    ]


def _difference(claim: ClaimFigures) -> str:
    """Return the gain with its interval."""
    gain, low, high = (signed(value, _digits(claim)) for value in (claim.gain, *claim.interval))
    return f"{gain} ({low} to {high})"


def _digits(claim: ClaimFigures) -> int:
    """Return how many digits to show: more than two where those would be nothing but zeros."""
    return 2 if max(map(abs, (claim.gain, *claim.interval))) >= _SEEN else 4


CLAIM_HEADINGS = ("claim", "outcome", "our measure", "difference", "n", "effect", "detectable", "source")


def network_claims(results: Mapping[str, Result]) -> list[list[str]]:
    """Return rows like `claim_rows` for what the SIAM paper says of its scores, from the stored results by name.

    Both are of Kendall's tau on the rendered test scenes, of one network of each kind. SIAM and its baseline are
    compared by their paired difference, SIAM without fine-tuning and the baseline by their intervals.
    """
    both, frozen = (
        {row.name: row for row in scores.agreements(results[name], "rendered")} if name in results else {}
        for name in ("rendered", "rendered-frozen")
    )
    paper, measure, claims = "SIAM, on ScenicOrNot", "Kendall’s τ", []
    less, alone = both.get("SIAM − baseline"), both.get("baseline")
    if less is not None and less.tau is not None and less.tau_interval is not None:
        low, high = less.tau_interval
        outcome = "does not hold" if high < 0 else "cannot tell" if low < 0 else "holds"
        difference = f"{signed(less.tau)} ({signed(low)} to {signed(high)})"
        claims.append(["SIAM as good as its baseline", outcome, measure, difference, str(less.count), "–", "–", paper])
    cold = next(iter(frozen.values()), None)
    if cold is not None and alone is not None and cold.tau_interval is not None and alone.tau_interval is not None:
        outcome = "holds" if cold.tau_interval[1] < alone.tau_interval[0] else "cannot tell"
        texts = [scores.figure_text(of.tau, of.tau_interval) for of in (cold, alone)]
        difference = f"{texts[0]} against {texts[1]}"
        claims.append(
            ["SIAM without fine-tuning worse", outcome, measure, difference, str(cold.count), "–", "–", paper]
        )
    return claims


def measures_sentence(figures: ExplainerFigures) -> str:
    """Say how many measures can tell explainers apart, and which cannot."""
    deciding = [key for key, of in figures.measures.items() if of.decides]
    others = [measure_title(key) for key, of in figures.measures.items() if not of.decides]
    if not others:
        return f"All {len(deciding)} measures put the truth ahead of uniform and random maps."
    return (
        f"{len(deciding)} of {len(figures.measures)} measures put the truth clearly ahead of uniform and random maps. "
        f"The others cannot tell explainers apart: {', '.join(others)}."
    )


def halves_sentence(halves: HalfFigures) -> str:
    """Say how two halves agree."""
    return (
        f"Two halves, of other pictures and other networks where there are several, both decide {halves.compared:,} "
        f"orders: {halves.same:,} the same way, {halves.contradicted:,} in opposite ways."
    )


def _table(result: Result, figures: ExplainerFigures, markdown: bool) -> str:
    names = shown(figures)
    body = [["method", *headings(figures, names)], *rows(figures, names)]
    lines = [
        f"{result.model}, {result.data}: {result.protocol}",
        "",
        measures_sentence(figures),
        "",
        _grid(body, markdown),
        "",
        f"n = {figures.n} unless given in brackets.",
        "",
    ]
    if figures.claims:
        lines += [_grid([list(CLAIM_HEADINGS), *claim_rows(figures.claims)], markdown), ""]
    if figures.halves.compared:
        lines += [halves_sentence(figures.halves), ""]
    source = f"`{result.command}`" if markdown else result.command
    return "\n".join([*lines, f"{source}, {result.date}", ""])


def _grid(body: Sequence[Sequence[str]], markdown: bool) -> str:
    return markdown_table(body) if markdown else aligned(body)
