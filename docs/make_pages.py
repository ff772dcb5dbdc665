"""Write the tables of README and the documentation from what is stored: `python -m docs.make_pages`.

A page says where a table belongs by a pair of comments, between which this program writes:

    <!-- printed: NAME -->
    <!-- end -->

The names are those of `BLOCKS`. No figure in these tables is typed by hand, and a test fails where a page is out of
date.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from docs import lesson_sheet
from siam.cli.main import parser
from siam.drawing import phrases
from siam.evaluation import stored
from siam.evaluation.figures import Interval
from siam.evaluation.scores import difference_figures, score_figures_with_intervals
from siam.evaluation.stored import Result
from siam.explainers.lcam import doubt
from siam.explainers.registry import title
from siam.gallery.cases import Cases, read_cases
from siam.gallery.samples import load_samples
from siam.gallery.store import read
from siam.models import flowers, load
from siam.models.doubt import read as read_doubt
from siam.models.recognition import BELIEFS
from siam.results import context as results_context
from siam.results import explainers, outlines, paper, scores
from siam.results import speed as stored_speed
from siam.results.assessment import OUTLINES
from siam.results.doubt import Share, trust
from siam.results.paper import markdown_table
from siam.results.truths import presences, truth_tables
from siam.runtime.paths import ASSETS

ROOT = Path(__file__).parent.parent
RELIABILITY = ROOT / "docs" / "reliability"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK = re.compile(r"(<!-- printed: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PHOTOS = {
    "oasis_scenes": "OASIS, outdoor scenes",
    "vessel_landscapes": "Vessel, nature",
    "rendered": "rendered scenes, test",
    "sun_test": "SUN, test photos",
}


def main() -> None:
    """Fill every block of every page."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if (filled := fill(text)) != text:
            path.write_text(filled, encoding="utf-8")


def fill(text: str) -> str:
    """Return a page with its blocks written anew.

    Raises:
        KeyError: a block has a name that is not among `BLOCKS`.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]().strip()}\n\n{found[3]}", text)


def _result(name: str) -> Result:
    return stored.read(stored.STORED / f"{name}.json")


def _source(result: Result) -> str:
    return f"`{result.command}`, {result.date}"


def _two(value: float | None, interval: Interval | None = None, deviation: float | None = None) -> str:
    """Return a figure with two decimals and its interval, or its standard deviation; a dash if it is not defined."""
    if value is None:
        return "–"
    text = phrases.number(value)
    if interval is not None:
        return f"{text} ({phrases.number(interval[0])} to {phrases.number(interval[1])})"
    return text if deviation is None else f"{text} ± {phrases.number(deviation)}"


def _photo_cases() -> Cases:
    return read_cases(read(ASSETS / "gallery" / "oasis"))


def _cross_validated() -> dict[str, dict[str, Any]]:
    """Return the figures of both networks, and their difference, on the OASIS scenes they had not seen."""
    table = _photo_cases().table
    siam, baseline, crowd = (table[name].to_numpy(float) for name in ("siam", "baseline", "crowd"))
    return {
        "SIAM": score_figures_with_intervals(siam, crowd),
        "baseline": score_figures_with_intervals(baseline, crowd),
        "difference": difference_figures(siam, baseline, crowd),
    }


def _of(figures: dict[str, Any], name: str) -> str:
    return _two(figures[name], figures[f"{name}_interval"])


def five_figures() -> str:
    """README's five figures, those that humble first."""
    unseen, rendered = _cross_validated(), _result("rendered")
    whole, alone, less = scores.agreements(rendered, "rendered")
    found = next(of for of in scores.precisions(_result("photo")) if of.kind == "what")
    methods = explainers.comparisons([_result("explainers-scenes-siam")])[0][1].methods
    near = {name: methods[name]["pixel_ap"] for name in ("siam", "centre")}
    count = f"{unseen['SIAM']['n']} photos"
    rows = [
        ["question", "SIAM", "to compare with", "n"],
        [
            "Does it rank real photos as people do? (Kendall’s τ)",
            _of(unseen["SIAM"], "kendall_tau"), f"baseline {_of(unseen['baseline'], 'kendall_tau')}", count,
        ],
        [
            "How far off is one score? (RMSE, points on a scale of 1 to 7)",
            _of(unseen["SIAM"], "rmse"), f"baseline {_of(unseen['baseline'], 'rmse')}", count,
        ],
        [
            "What do the reasons cost? (τ on rendered scenes)",
            _two(whole.tau, whole.tau_interval),
            f"baseline {_two(alone.tau, alone.tau_interval)}; difference {_two(less.tau, less.tau_interval)}",
            f"{whole.count} scenes",
        ],
        [
            "Does it find the attributes in real photos? (average precision)",
            _two(found.mean, None, found.deviation), f"chance {_two(found.chance)}",
            f"{found.count} photos, {len(found.rows)} of the 33 attributes",
        ],
        [
            "Does its total map show what truly raises a score? (pixel AP)",
            _two(near["siam"].mean, near["siam"].interval),
            f"a spot in the centre {_two(near['centre'].mean, near['centre'].interval)}",
            f"{near['siam'].n} scenes",
        ],
    ]  # fmt: skip
    return markdown_table(rows)


def photo_scores() -> str:
    """Agreement with people of the pair Photos, by cross-validation."""
    result = _result("photo")
    rows = [["photos", "n", "network", "Kendall’s τ", "RMSE, points on a scale of 1 to 7"]]
    for photos in ("oasis_scenes", "vessel_landscapes"):
        rows += [
            [_PHOTOS[photos], str(of.count), of.name, _two(of.tau, of.tau_interval, of.tau_deviation),
             _two(of.rmse, of.rmse_interval, of.rmse_deviation)]
            for of in scores.agreements(result, photos)
        ]  # fmt: skip
    less = _cross_validated()["difference"]
    about = _photo_cases().gallery.about
    return "\n\n".join(
        [
            markdown_table(rows),
            f"5-fold cross-validation, one run; in brackets, 95 % intervals over the photos. {_source(result)}",
            f"On the same {less['n']} OASIS scenes, SIAM’s τ less the baseline’s is {_of(less, 'kendall_tau')}, and "
            f"its RMSE {_of(less, 'rmse')}: computed from the bundled gallery `assets/gallery/oasis`, made by "
            f"`{about.command}`, {about.date}",
        ]
    )


def rendered_scores() -> str:
    """Agreement of the pair Rendered with its crowd."""
    whole, frozen = _result("rendered"), _result("rendered-frozen")
    rows = [["network", "n", "Kendall’s τ with the crowd", "RMSE, points on a scale of 1 to 10"]]
    rows += [
        [of.name, str(of.count), _two(of.tau, of.tau_interval), _two(of.rmse, of.rmse_interval)]
        for result in (whole, frozen)
        for of in scores.agreements(result, "rendered")
    ]
    return "\n\n".join([markdown_table(rows), f"95 % intervals. {_source(whole)}, and {_source(frozen)}"])


def attributes_of(name: str) -> Callable[[], str]:
    """Return the block that says how well a pair finds each attribute."""

    def block() -> str:
        result = _result(name)
        parts = []
        for of in scores.precisions(result):
            heads = {"what": "average precision", "where": "pixel average precision"}
            pictures = "scenes" if of.photos == "rendered" else "photos"
            count = f" in {of.count} {pictures}" if of.count is not None else ""
            chance = "" if of.chance is None else f" (chance {phrases.number(of.chance)})"
            mean = _two(of.mean, of.interval, of.deviation)
            parts.append(
                f"**{of.kind.capitalize()}: {_PHOTOS.get(of.photos, of.photos)}.** Mean {heads[of.kind]} {mean} over "
                f"{len(of.rows)} attributes{count}{chance}."
            )
            rows = [["attribute", heads[of.kind]]]
            rows += [[phrases.words(row.attribute), _two(row.value, row.interval)] for row in of.rows]
            if chances := [phrases.number(row.chance) for row in of.rows if row.chance is not None]:
                rows = [[*row, cell] for row, cell in zip(rows, ["chance", *chances], strict=True)]
            parts.append(markdown_table(rows))
        for ablation in (of.sets.get("without_regions") for of in result.figures.values()):
            if ablation is not None and ablation.attributes is not None and ablation.attributes.places is not None:
                places = ablation.attributes.places
                parts.append(f"Without masks of regions in training, *where* is {phrases.number(places.pixel_ap)}.")
        return "\n\n".join([*parts, _source(result)])

    return block


def photo_masks() -> str:
    """Where the maps of the pair Photos are, by people's outlines and by a segmenter."""
    results = [_result("photo")]
    judged = outlines.of_pair(results, "photo")
    assert judged is not None  # it was judged by outlines
    result, masks = judged
    of_seven = _two(masks.pixel_ap, masks.pixel_ap_interval, masks.pixel_ap_sd)
    of_all = _two(masks.all.pixel_ap, masks.all.pixel_ap_interval, masks.all.pixel_ap_sd)
    mean = (
        f"**Where: {masks.n} photos outlined by people.** Mean pixel average precision {of_seven} over "
        f"{masks.attributes} attributes (chance {_two(masks.chance)}); over all {masks.all.attributes}, {of_all} "
        f"(chance {_two(masks.all.chance)}). {outlines.taught(result)}"
    )
    heads, rows = outlines.table(masks, outlines.segmenter(results, "photo"), _two)
    flat = [f"segmenter: {name}" if group == "segmenter" else name for group, name in heads]
    table = markdown_table([["attribute (region)", *flat], *rows])
    return "\n\n".join([mean, table, f"{' '.join(OUTLINES)} In brackets: 95 % intervals.", _source(result)])


def presence() -> str:
    """How the presence of each attribute goes with people's ratings (the paper's Figure 3)."""
    result = _result("photo-presence")
    (of,) = presences(result)
    known = {name: one for name, one in of["predicted"].attributes.items() if one.kendall_tau is not None}
    ranked = sorted(known, key=lambda name: -(known[name].kendall_tau or 0))
    rows = [["attribute", "Kendall’s τ with the rating (95 % interval)"]]
    rows += [[phrases.words(name), _two(known[name].kendall_tau, known[name].kendall_tau_interval)] for name in ranked]
    return "\n\n".join([markdown_table(rows), f"{of['predicted'].n} photos. {_source(result)}"])


def paper_tables() -> str:
    """The paper's Tables 2 and 3 beside ours."""
    results = list(stored.read_all(stored.STORED).values())
    return f"`python -m siam evaluate --tables --markdown`\n\n{paper.markdown(results)}"


def truth() -> str:
    """What, where and how on rendered scenes."""
    return truth_tables([_result("rendered")], markdown=True)


def explainers_on(name: str) -> Callable[[], str]:
    """Return the block of the comparison of explainers in one world."""
    return lambda: explainers.tables([_result(f"explainers-{name}")], markdown=True)


def explainer_intervals(name: str) -> Callable[[], str]:
    """Return the block of the same comparison with intervals, for where the maps point."""

    def block() -> str:
        result = _result(f"explainers-{name}")
        ((_, figures),) = explainers.comparisons([result])
        shown = {"EBPG": "ebpg", "pixel AP": "pixel_ap", "IoU area": "iou_area"}
        rows = [["method", *shown]]
        for method, of in figures.methods.items():
            cells = [_two(of[key].mean, of[key].interval) if key in of else "–" for key in shown.values()]
            rows.append([title(method), *cells])
        return "\n\n".join([markdown_table(rows), f"n = {figures.n}, 95 % intervals. {_source(result)}"])

    return block


def claims_on_networks() -> str:
    """What the SIAM paper says of its scores, and whether it holds here."""
    rows = explainers.network_claims({name: _result(name) for name in ("rendered", "rendered-frozen")})
    return markdown_table([list(explainers.CLAIM_HEADINGS), *rows])


def known_of_explainers() -> str:
    """The two sentences of the page Results."""
    return explainers.KNOWN


def learned_masks() -> str:
    """L-CAM's heads against masks that look at nothing, on pictures that they did not learn from."""
    networks: dict[str, Any] = {pair: load(pair, device="cpu").baseline for pair in ("photo", "rendered")}
    networks |= {name: flowers.load(name, "cpu") for name in flowers.bundled()}
    rows = [["network", "head", "mean mask", "keeps", "even grey, same area", "spot in the middle, same area", "n"]]
    doubts = []
    for network, model in networks.items():
        for name in ("lcam_fm", "lcam_img"):
            facts = model.fitted[name].facts
            held_out = facts["held_out"]
            classes = "kept_probability" in held_out
            key = "kept_probability" if classes else "kept_score_variance"
            controls = held_out.get("controls", {})
            others = [_two(controls[of][key] if of in controls else None) for of in ("constant", "centre")]
            kept = _two(held_out[key]) + (" of the probability" if classes else " of the variance")
            rows.append([network, title(name), _two(held_out["mask_area"]), kept, *others, str(held_out["pictures"])])
            if sentence := doubt(title(name), facts):
                doubts.append(f"*{network}*: {sentence}")
    return "\n\n".join([markdown_table(rows), *doubts])


def speed() -> str:
    """What takes how long, on every machine that is stored."""
    return stored_speed.markdown(map(stored_speed.read, stored_speed.paths()))


def archive_hours() -> str:
    """How long archives take and what that costs, computed from the measured speed."""
    figures = stored_speed.read(stored.STORED / "throughput.json")
    found = {of.name: of for of in figures.measurements}
    rate, cores = found["archive"].ours, figures.cores or 1
    each, ray = rate / cores, min(1.0, found["archive/ray"].ratio or 1.0)
    machines = [("a laptop, 8 cores", 8, 1.0), ("a server, 64 cores", 64, 1.0), ("16 such servers, Ray", 1024, ray)]
    rows = [["photos", "core hours", *(name for name, _cores, _share in machines), "at $0.05 for a core hour"]]
    for archive, photos in (("212,000", 212e3), ("6 million", 6e6), ("100 million", 100e6)):
        hours = photos / (each * 3600)
        rows.append(
            [
                archive,
                f"{hours:,.0f}",
                *(_duration(hours / (count * share)) for _name, count, share in machines),
                f"${0.05 * hours:,.2f}" if hours < 1000 else f"${0.05 * hours:,.0f}",
            ]
        )
    return "\n\n".join(
        [
            markdown_table(rows),
            f"Measured: {rate:.1f} photos a second on {cores} cores, so {each:.2f} for a core; by Ray, {ray:.2f} times "
            f"as many. Core hours = photos / ({each:.2f} × 3600); hours = core hours / cores"
            + (f", with Ray divided by {ray:.2f}" if ray < 1 else "")
            + ". That twice the cores are twice as fast is assumed: each worker has photos of its own, but a network "
            f"drive that many read from has an end. {stored_speed.source(figures)}",
        ]
    )


def _duration(hours: float) -> str:
    if hours < 1:
        return f"{max(2, round(60 * hours))} minutes"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:,.0f} days"


def taste() -> str:
    """How well personal SIAMs find the tastes of simulated people, and what the chosen order saves."""
    content = json.loads((stored.STORED / stored.TASTE).read_text(encoding="utf-8"))
    parts = []
    for world, figures in content["worlds"].items():
        counts = list(figures["tau"]["random order"])
        rows = [[f"**{world}**: τ to the taste after … ratings", *counts]]
        rows += _of_people(figures["tau"], counts)
        rows += [["*correlation of contributions with the true ones*", *[""] * len(counts)]]
        rows += _of_people(figures["causes"], counts)
        rows += [["*people whose interval held τ on new photos*", *[""] * len(counts)]]
        rows += [[name, *(f"{of[count]:.0%}" for count in counts)] for name, of in figures["inside"].items()]
        saved = "; ".join(
            f"{share:.0%} ({low:.0%} to {high:.0%}) of {count}"
            for count, (share, low, high) in figures["needed"].items()
        )
        parts += [
            markdown_table(rows),
            f"For the τ of so many ratings in random order, the chosen order needs {saved}.",
        ]
    return "\n\n".join(
        [*parts, f"{content['people']} simulated people in each world, {content['date']}, `{content['command']}`."]
    )


def labelling() -> str:
    """How many answers a word needs in the order of *Label*, and whether its figures are honest."""
    content = json.loads((stored.STORED / stored.LABELLING).read_text(encoding="utf-8"))
    ours, drawn = content["orders"].values()
    counts = list(ours)

    def row(name: str, of: dict[str, dict[str, float | None]], key: str, written: Callable[[float], str]) -> list[str]:
        return [name, *("–" if (value := of[count][key]) is None else written(value) for count in counts)]

    def share(value: float) -> str:
        return f"{value:.0%}"

    rows = [
        ["answers", *counts],
        row("AP on other scenes, in this order", ours, "average_precision", phrases.number),
        row("the same, in random order", drawn, "average_precision", phrases.number),
        ["answers that this order needs for the AP of random order", *map(share, content["needed"].values())],
        row("AP that it says, minus AP on other scenes", ours, "said_minus_that", phrases.signed),
        row("the 95 % interval holds AP on other scenes", ours, "interval_holds", share),
        row("words of which it says something", ours, "says_something", share),
    ]
    seconds = content["seconds"]
    return (
        f"{markdown_table(rows)}\n\nMeans over {content['words']} words, each with several draws of scenes: "
        f"{content['simulations']} simulations. A round took {seconds['median']:.2f} s (median), at most "
        f"{seconds['most']:.2f} s. `{content['command']}`, {content['date']}."
    )


def _of_people(methods: dict[str, dict[str, list[float]]], counts: Sequence[str]) -> list[list[str]]:
    """Return a row for each method: means over people, with their 95 % intervals."""
    return [
        [name, *(f"{mean:.2f} ({low:.2f} to {high:.2f})" for mean, low, high in (of[count] for count in counts))]
        for name, of in methods.items()
    ]


def discovery() -> str:
    """What candidates match where the truth is known, for each way to take features apart."""
    content = json.loads((stored.STORED / stored.DISCOVERY).read_text(encoding="utf-8"))
    tables = [_matched(of) for of in (content, content["bundled"]) if of]
    named = [["named, with the truth as answers", "candidate", "its AUC", "AUC of the attribute", "answers",
              "τ before", "after", "gain"]]  # fmt: skip
    for row in content["named"]["each"]:
        before, after, low, high = row["tau"]
        named.append([
            row["cause"].replace("_", " "), str(row["candidate"]), f"{row['auc']:.2f}",
            f"{row['auc_of_attribute']:.2f}", str(row["answers"]), f"{before:.3f}", f"{after:.3f}",
            f"{after - before:+.3f} ({low:+.3f} to {high:+.3f})",
        ])  # fmt: skip
    away, photos, time = content["taken_away"], content["on_photos"], content["time"]
    words = list(away["random"])
    back = [["taken away: AUC of the best of ten", *(name.replace("_", " ") for name in words)]]
    for what, of in {"scenes": away, **({f"{photos['photos']} photos of SUN": photos} if photos else {})}.items():
        ways = (method for method in of if isinstance(of[method], dict) and method != "shares")
        back += [[f"{method}, {what}", *(f"{of[method][name]:.2f}" for name in words)] for method in ways]
    before, after = away["tau"]
    together, (low, high) = content["named"], content["named"]["gain"]
    lost = "" if not photos else (
        f" On the photos, whose scores are compared with the baseline's, it falls from {photos['tau'][0]:.3f} to "
        f"{photos['tau'][1]:.3f}."
    )  # fmt: skip
    return "\n\n".join([
        *map(markdown_table, tables), markdown_table(named),
        f"With all of these, templates fitted again, τ is {together['together']:.3f}; fitted again without any, "
        f"{together['again']:.3f}: {together['together'] - together['again']:+.3f} ({low:+.3f} to {high:+.3f}).",
        markdown_table(back),
        f"Without the five, τ falls from {before:.3f} to {after:.3f} on {content['photos']} scenes.{lost} "
        f"{time['photos']:,} photos whose features are there take {time['processor_seconds']:.0f} s of one core "
        f"({time['processor']}). {content['date']}, `{content['command']}`.",
        *([_streamed(content["streamed"])] if content.get("streamed") else []),
    ])  # fmt: skip


def _streamed(content: dict[str, Any]) -> str:
    """Return what it takes to read the photos of an archive, of few and of many."""
    rows = [["made-up photos of an archive with features", "s of one core", "photos a second", "memory, GiB"]]
    for of in content["rows"]:
        worked = of["processor_seconds"]
        rows.append([f"{of['photos']:,}", f"{worked:.0f}", f"{of['photos'] / worked:.0f}", f"{of['gib']:.1f}"])
    return (
        f"{markdown_table(rows)}\n\nMemory is all that the process takes, with Python, PyTorch and the networks "
        f"({content['processor']}). {content['date']}, `{content['command']}`."
    )


def context_of_pairs() -> str:
    """What counting together buys the bundled pairs, with the number of causes and how far folds agree on groups."""
    rows = [["pair, photos", "network", "Kendall's τ", "RMSE, points"]]
    facts = []
    for name in ("photo", "rendered"):
        csib = load(name, device="cpu").csib
        assert csib is not None
        about = csib.about
        for key, of in about["figures"].items():
            text = _gain if " - " in key else _with_interval
            errors, taus = ([of[part], of[f"{part}_interval"]] for part in ("rmse", "kendall_tau"))
            rows.append([f"*{name}*, {of['n']}", results_context.NAMES[key], text(*taus), text(*errors)])
        causes = about["causes"] or "more than 8"
        budgets = ", ".join(f"{error:.2f}" for error in about["budgets"])
        facts.append(
            f"*{name}*: {len(csib)} groups; 90 % of the score's variance needs {causes} causes; RMSE with 1 to 8 "
            f"causes, and all: {budgets}; {about['same']:.0%} of a fold's eight largest groups are in the "
            f"other folds, too. `{about['command']}`, {about['date']}."
        )
    return "\n\n".join([markdown_table(rows), *facts])


def context() -> str:
    """What counting together buys in the rendered world, by two crowds."""
    content = json.loads((stored.STORED / stored.CONTEXT).read_text(encoding="utf-8"))
    usual, second = content["usual"], content["second"]
    rows = [["the usual crowd, for whom attributes add up", "Kendall's τ", "against SIAM", "RMSE, points", "groups",
             "causes for 90 %", "same in other seeds"]]  # fmt: skip
    for name, of in usual["figures"].items():
        difference, facts = usual["differences"].get(name), usual["facts"].get(name, {})
        rows.append([
            name, _with_interval(of["kendall_tau"], of["kendall_tau_interval"]),
            "" if difference is None else _gain(difference["kendall_tau"], difference["kendall_tau_interval"]),
            _with_interval(of["rmse"], of["rmse_interval"]), str(facts.get("groups", "")),
            str(facts["causes"] or "more than 8") if facts else "",
            "" if facts.get("same") is None else f"{facts['same']:.0%}",
        ])  # fmt: skip
    pairs = phrases.listing([
        f"{' with '.join(map(phrases.words, of['attributes']))} ({phrases.signed(of['points'])})"
        for of in second["pairs"]
    ])  # fmt: skip
    seeds = [["the second crowd, seed", "with context, τ", "adding up, τ", "difference", "pairs found", "pairs named"]]
    for number, of in enumerate(second["seeds"]):
        figures = of["figures"]
        gain = figures["difference"]
        seeds.append([
            str(number), *(f"{figures[name]['kendall_tau']:.3f}" for name in ("with context", "adding up")),
            _gain(gain["kendall_tau"], gain["kendall_tau_interval"]), f"{len(of['found'])} of {len(second['pairs'])}",
            str(len(of["told"])),
        ])  # fmt: skip
    precision = "–" if second["precision"] is None else f"{second['precision']:.2f}"
    return "\n\n".join([
        markdown_table(rows), f"The second crowd's pairs: {pairs}.", markdown_table(seeds),
        f"Of the three pairs, {second['recall']:.0%} were found (recall); of all pairs among the eight largest groups, "
        f"{precision} are among the three (precision). {content['train']} training scenes, {content['test']} test "
        f"scenes, {content['date']}, `{content['command']}`.",
    ])  # fmt: skip


def _with_interval(value: float, ends: Sequence[float]) -> str:
    return f"{value:.2f} ({ends[0]:.2f} to {ends[1]:.2f})"


def _gain(value: float, ends: Sequence[float]) -> str:
    return f"{phrases.signed(value)} ({phrases.signed(ends[0])} to {phrases.signed(ends[1])})"


def _matched(of: dict[str, Any]) -> list[list[str]]:
    """Return the rows of a table: in how many resamples each way to take features apart matches each cause."""
    causes = list(of["shares"])
    rows = [[f"{of['photos']} scenes: resamples, of 5, in which one of the first five matches",
             *(name.replace("_", " ") for name in causes), "causes", "of five, match nothing", "s of one core"],
            ["*share of the scenes*", *(f"{of['shares'][name]:.0%}" for name in causes), "", "", ""]]  # fmt: skip
    for method, found in of["hidden"].items():
        met = [str(found["met"][name]) for name in causes]
        numbers = (found["causes"], found["spurious"], found["processor_seconds"])
        rows.append([method, *met, *(f"{number:.1f}" for number in numbers)])
    return rows


def reliability() -> str:
    """What was tried to break the program, a section for each stored file with a column for each key of its rows."""
    names = [*_TRIED, *sorted(path.stem for path in RELIABILITY.glob("*.json") if path.stem not in _TRIED)]
    return "\n\n".join(_tried(RELIABILITY / f"{name}.json") for name in names)


_UNITS = {"ms": "ms", "s": "s", "mib": "MiB"}  # ends of keys
_ASIDE = ("facts", "git_commit", "kinds", "seed", "versions")  # of a row, for programs rather than readers


def _tried(path: Path) -> str:
    title, command = _TRIED.get(path.stem, (phrases.words(path.stem).capitalize(), ""))
    if not path.exists():
        return f"## {title}\n\nNot stored yet: run `{command}`."
    content = json.loads(path.read_text(encoding="utf-8"))
    content = content if isinstance(content, dict) else {"rows": content}
    parts = [{"what": name, **part} for name, part in content.get("parts", {}).items()]
    rows = content.get("rows") or content.get("reports") or parts
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return f"## {title}\n\n`{path.name}` holds no rows."
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in _ASIDE))
    keys.sort(key="command".__eq__)  # last
    cells = [[_cell(row.get(key), code=key == "command") for key in keys] for row in rows]
    told = [content.get("date"), f"version {content['version']}" if "version" in content else None]
    table = markdown_table([[_heading(key) for key in keys], *cells])
    return "\n\n".join(filter(None, [f"## {title}", table, ", ".join(str(of) for of in told if of)]))


def _heading(key: str) -> str:
    """Return a key as a heading, with its unit in brackets: usual_ms as "usual (ms)"."""
    name, _, unit = key.rpartition("_")
    return f"{phrases.words(name)} ({_UNITS[unit]})" if name and unit in _UNITS else phrases.words(key)


def _cell(value: Any, code: bool = False) -> str:
    """Return a stored value as one cell of a table."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value)) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(of)}" for key, of in value.items()) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return phrases.number(value)
    text = " ".join(str("–" if value is None else value).split())
    return f"`{text}`" if code and value else text


def photo_credits() -> str:
    """Whose sample photos these are."""
    rows = [["photo", "title", "author", "licence", "from"]]
    rows += [
        [sample.name, sample.title, sample.author, sample.licence, sample.origin.split(",")[0]]
        for sample in load_samples()
    ]
    return markdown_table(rows)


def training_data() -> str:
    """What each bundled pair was trained on, and its limits, from its card."""
    parts = []
    for name, label in (("photo", "Photos"), ("rendered", "Rendered")):
        card = json.loads((ASSETS / "models" / name / "card.json").read_text(encoding="utf-8"))
        parts += [f"### {label}", f"{card['training_data']}", f"**Limits.** {card['limits']}"]
    return "\n\n".join(parts)


def beliefs() -> str:
    """Which attributes of the pair Photos can be believed, from its card."""
    card = json.loads((ASSETS / "models" / "photo" / "card.json").read_text(encoding="utf-8"))
    known = card["attributes"]
    rows = [["recognised", "attributes of *Photos* (average precision)"]]
    for belief in BELIEFS:
        names = [
            f"{phrases.words(name)} ({_two(of['average_precision'])})"
            for name, of in known.items()
            if of["belief"] == belief
        ]
        rows.append([belief, ", ".join(names) or "–"])
    count = next(iter(known.values()))["test_photos"]
    return f"{markdown_table(rows)}\n\nOn {count} test photos of SUN; a dash: fewer than three of them show it."


def fifty_photos() -> str:
    """How good a pair is after fifty photos of one's own, beside regressions, and how long it takes."""
    content = json.loads((stored.STORED / stored.OWN).read_text(encoding="utf-8"))
    names = {"average precision": "average precision", "tau": "Kendall’s τ", "rmse": "RMSE"}
    rows = [["backbone", "on photos that it had not seen", "SIAM", "regression", "difference"]]
    for backbone, figures in content["backbones"].items():
        for figure, of in figures.items():
            written = [*[phrases.number] * 2, phrases.signed]
            cells = [
                f"{text(mean)} ({text(low)} to {text(high)})"
                for text, (mean, low, high) in zip(written, of.values(), strict=True)
            ]
            rows.append([backbone if backbone == "ImageNet" else f"of *{backbone}*", names[figure], *cells])
    taken, threads = round(content["seconds"]), content["threads"]
    return (
        f"{markdown_table(rows)}\n\nMeans over {content['draws']} draws, in brackets with their 95 % intervals. "
        f"Training on the fifty photos of this page took {taken} s with {threads} thread{'s' * (threads != 1)} of "
        f"2.6 GHz, features and cross-validation included. `{content['command']}`, {content['date']}."
    )


def trusted() -> str:
    """How often the intervals of both bundled pairs hold, and which photos they call no landscape."""
    rows = [["networks", "photos", "inside the interval", "not a landscape"]]
    for name, label in (("photo", "Photos"), ("rendered", "Rendered")):
        known = read_doubt(ASSETS / "models" / name)
        assert known is not None
        found = trust(known)
        rows += [[label, of.label, _share(of), ""] for of in found.coverage]
        rows += [[label, of.label, "", _share(of)] for of in (*found.others, *found.landscapes)]
    return f"{markdown_table(rows)}\n\nIn brackets: 95 % intervals (Wilson)."


def _share(of: Share) -> str:
    return f"{of.text} ({100 * of.interval[0]:.0f} to {100 * of.interval[1]:.0f})"


def command_line() -> str:
    """Every command with its arguments, from the parser."""
    return "\n\n".join(_sections(parser(), "python -m siam", 2))


def _sections(command: argparse.ArgumentParser, name: str, level: int) -> Iterator[str]:
    """Yield the Markdown of a command, and of those below it."""
    below = next((one for one in command._actions if isinstance(one, argparse._SubParsersAction)), None)
    if below is not None:
        helps = {choice.dest: choice.help or "" for choice in below._choices_actions}
        for word, inner in below.choices.items():
            yield f"{'#' * level} `{name} {word}`"
            if not inner.description:
                yield f"{helps[word][:1].upper()}{helps[word][1:]}."
            yield from _sections(inner, f"{name} {word}", level + 1)
        return
    arguments = [action for action in command._actions if not isinstance(action, argparse._HelpAction)]
    if inner := command.description:
        yield _told(inner)
    rows = [["argument", "meaning"], *([_words(action), _help(action)] for action in arguments)]
    yield markdown_table(rows)


def _help(action: argparse.Action) -> str:
    """Return what an argument is for."""
    return _told(action.help or "")


def _told(text: str) -> str:
    """Return text of the command line, with the options named in it as code."""
    return re.sub(r"--[\w-]+", r"`\g<0>`", text.replace("%%", "%"))


def _words(action: argparse.Action) -> str:
    """Return an argument as one types it."""
    metavar = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    value = metavar if isinstance(metavar, str) else metavar[0]
    if action.nargs in ("+", "*"):
        value = f"{value} …"
    elif action.nargs == "?":
        value = f"[{value}]"
    names: Sequence[str] = action.option_strings or [""]
    typed = f"{names[-1]} {'' if action.nargs == 0 else value}".strip()
    return f"`{typed}`" + (" (required)" if action.required and action.option_strings else "")


_TRIED = {  # in this order; whatever else is stored follows
    "fuzz": ("Damaged and odd input", "python -m tests.fuzz"),
    "faults": ("Work that is interrupted, and disks that fail", "python -m tests.faults"),
    "visitors": ("Many visitors at once", "python -m benchmarks.visitors --store"),
}

BLOCKS: dict[str, Callable[[], str]] = {
    "five figures": five_figures,
    "photo scores": photo_scores,
    "photo attributes": attributes_of("photo"),
    "photo masks": photo_masks,
    "presence": presence,
    "paper tables": paper_tables,
    "rendered scores": rendered_scores,
    "rendered attributes": attributes_of("rendered"),
    "truth": truth,
    "explainers on scenes": explainers_on("scenes"),
    "SIAM on scenes": explainers_on("scenes-siam"),
    "explainers on flowers": explainers_on("flowers"),
    "explainers on photos": explainers_on("photos"),
    "intervals on scenes": explainer_intervals("scenes"),
    "intervals of SIAM": explainer_intervals("scenes-siam"),
    "intervals on flowers": explainer_intervals("flowers"),
    "intervals on photos": explainer_intervals("photos"),
    "claims on networks": claims_on_networks,
    "known of explainers": known_of_explainers,
    "learned masks": learned_masks,
    "speed": speed,
    "archive hours": archive_hours,
    "taste": taste,
    "labelling": labelling,
    "discovery": discovery,
    "context": context,
    "context of the pairs": context_of_pairs,
    "fifty photos": fifty_photos,
    "reliability": reliability,
    "photo credits": photo_credits,
    "training data": training_data,
    "beliefs": beliefs,
    "doubt": trusted,
    "command line": command_line,
    "lesson times": lesson_sheet.times,
    "lesson solutions": lesson_sheet.solutions,
}


if __name__ == "__main__":
    main()
