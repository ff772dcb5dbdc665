"""A photo's score with context in its report: causes as framed maps, as steps, by their number, and as a table."""

from siam.drawing.colours import sign_colour
from siam.drawing.maps import fitted, frame_factor, grey_map
from siam.drawing.palettes import palette
from siam.drawing.phrases import difference_text, number, signed, tick_text
from siam.drawing.shapes import render_svg, safe
from siam.explanation.context import (
    MEANING,
    Cause,
    ContextExplanation,
    cause_map_text,
    member_line,
    seen_text,
    together_map,
)
from siam.explanation.inference import Explanation
from siam.explanation.waterfall import context_steps, steps_drawing
from siam.models.csib import BUDGETS, CSIB
from siam.reports.markup import framed
from siam.results.context import verdict

COUNT = 8  # causes shown with their maps, if the score is explained with all


def context_parts(
    csib: CSIB, explanation: Explanation, together: ContextExplanation, causes: int | None = None
) -> list[str]:
    """Return the sections of a report that explain the score with context, as markup.

    Args:
        csib: the groups.
        explanation: of the photo.
        together: what the groups make of it.
        causes: with how many causes the score is explained, 1 to 8; None: with all.
    """
    return [
        _maps(csib, explanation, together.causes[: causes or COUNT]),
        _steps(csib, together, causes),
        _table(explanation, together),
    ]


def _maps(csib: CSIB, explanation: Explanation, shown: tuple[Cause, ...]) -> str:
    fields = [together_map(csib, explanation, cause.group) for cause in shown]
    limit, factor = max(float(of.max()) for of in fields), frame_factor(cause.value for cause in shown)
    _, size = fitted(explanation.image.size, 300)
    figures = "".join(
        framed(grey_map(field, limit, size), cause_map_text(cause), cause.value, factor, safe(cause.title),
               signed(cause.value))
        for cause, field in zip(shown, fields, strict=True)
    )  # fmt: skip
    title = "The cause that counts" if len(shown) == 1 else f"The {len(shown)} causes that count"
    whole = "" if csib.grid else " The points come from how much of each member the whole photo shows, not from where."
    return (
        f'<section><h2>{title} most with context</h2><div class="tiles">{figures}</div><p class="quiet">Each map is '
        f"bright where all members of a cause are at once; black is 0 and white is {tick_text(limit)}. "
        f"{palette().frames}; the width is proportional to the points.{whole}</p></section>"
    )


def _steps(csib: CSIB, together: ContextExplanation, causes: int | None) -> str:
    drawing = steps_drawing(context_steps(together, causes, COUNT), "From base to score")
    chart = render_svg(drawing, ink="currentColor", background=None)
    budgets = [budget for budget in BUDGETS if budget < len(csib)]
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="n">{number(together.score_with(budget))}</td>'
        f'<td class="n">{difference_text(together.score_with(budget), together.score)}</td></tr>'
        for name, budget in [*((str(budget), budget) for budget in budgets), (f"all {len(csib)}", None)]
    )
    texts = "".join(f"<p>{safe(text)}</p>" for text in (MEANING, verdict(csib)) if text)
    return (
        f'<div class="pair"><section><h2>From base to score with context</h2>{texts}{chart}</section>'
        '<section><h2>With fewer causes</h2><table><thead><tr><th>Causes</th><th class="n">Score</th>'
        f'<th class="n">From the full one</th></tr></thead><tbody>{rows}</tbody></table></section></div>'
    )


def _table(explanation: Explanation, together: ContextExplanation) -> str:
    largest = max(abs(cause.value) for cause in together.causes) or 1.0
    rows = []
    for cause in together.causes:
        lines = [member_line(member, explanation) for member in cause.members]
        lines = lines if len(lines) > 1 else [seen_text(cause.members[0], explanation)]
        members = "<br>".join(map(safe, lines))
        width, shown = abs(cause.value) / largest * 100, signed(cause.value) != "0.00"
        bar = f'<i style="width:{width:.0f}%;background:{sign_colour(cause.value)}"></i>' if shown else ""
        rows.append(
            f'<tr><th scope="row">{safe(cause.title)}<br><small>{members}</small></th>'
            f'<td class="n">{number(cause.activation)}</td><td class="n">{signed(cause.value)}</td>'
            f'<td class="b">{bar}</td><td class="n">{signed(cause.most)}</td></tr>'
        )
    return (
        f"<section><h2>All {len(together.causes)} causes</h2><table><thead><tr><th>Cause</th>"
        '<th class="n">On</th><th class="n">Points</th><td class="b"></td><th class="n">At most</th></tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table><p class="quiet">On: how far a cause is on, 0 to 1. At most: the most '
        "points that it adds in the photos it was learned from (if these are not known: fully on).</p></section>"
    )
