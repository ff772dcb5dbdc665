"""What reports share: the page around them, pictures, scores and the networks' card as markup."""

from collections.abc import Mapping, Sequence
from importlib import resources

from PIL import Image

from siam.drawing.colours import sign_colour
from siam.drawing.maps import CELL_UNIT, end_texts, frame_style, frame_width
from siam.drawing.palettes import palette
from siam.drawing.phrases import number, words
from siam.drawing.shapes import data_uri, safe
from siam.explanation.inference import Explanation

# Nothing may be loaded or run, whatever a file is called.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CITATION = (
    "D. Marcos, S. Lobry, D. Tuia: Semantically Interpretable Activation Maps: what-where-how explanations within "
    "CNNs. ICCV Workshops, 2019. arXiv:1909.08442."
)
_DETAILS = {"per_attribute", "minimum_positives"}  # figures left out here, like standard deviations
_CARD = (
    ("name", "Name"),
    ("version", "Version"),
    ("training_data", "Trained on"),
    ("metrics", "Figures"),
    ("limits", "Limits"),
)


def document(title: str, parts: Sequence[str]) -> str:
    """Return a whole page, self-contained, with the citation at its end.

    Args:
        title: of the page; it may come from anyone, so it is escaped.
        parts: markup.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title)} · SIAM Explorer</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join([*parts, f"<footer>{safe(_CITATION)}</footer>"])
        + "\n</main>\n</body>\n</html>\n"
    )


def _style() -> str:
    """Return the style sheet, with the colours of the signs."""
    sheet = resources.files("siam.reports").joinpath("report.css").read_text(encoding="utf-8")
    return f"\n:root {{ --positive: {palette().positive}; --negative: {palette().negative}; }}\n{sheet}"


def scale_bar(limit: float) -> str:
    """Return the legend of a signed map that ends at `limit` points per cell."""
    low, high = end_texts(limit)
    return (
        f'<div class="scale"><div class="bar"></div><span>{low}</span><span>{CELL_UNIT}</span><span>{high}</span></div>'
    )


def score_entry(name: str, value: float, scale: str, note: str = "") -> str:
    """Return a score for a list `<dl class="scores">`; `name` and `scale` are markup, a note below it is text."""
    below = f'<dd class="note">{safe(note)}</dd>' if note else ""
    return f"<div><dt>{name}</dt><dd>{number(value)}<small>{scale}</small></dd>{below}</div>"


def picture(image: Image.Image, text: str) -> str:
    """Return a picture as markup, with its alternative text."""
    kind = "PNG" if image.mode == "L" else "JPEG"
    return f'<img src="{data_uri(image, kind)}" width="{image.width}" height="{image.height}" alt="{safe(text)}">'


def framed(image: Image.Image, text: str, value: float, factor: float, caption: str, note: str) -> str:
    """Return a map as a figure, in the frame of what it adds.

    Args:
        image: the map.
        text: its alternative text.
        value: what it adds, in points.
        factor: px of frame for each point (`siam.drawing.maps.frame_factor`).
        caption: on the left below it, as markup.
        note: on the right below it, as markup.
    """
    style = f"--frame:{frame_width(value, factor)}px;--style:{frame_style(value)};--colour:{sign_colour(value)}"
    return (
        f'<figure style="{style}">{picture(image, text)}<figcaption><span>{caption}</span><span>{note}</span>'
        "</figcaption></figure>"
    )


def network(explanation: Explanation, card: dict) -> str:
    """Show the main entries of the card, and how this explanation was computed."""
    facts = [(title, _value(card[key])) for key, title in _CARD if card.get(key)]
    seconds = sum(explanation.seconds.values())
    computed = f"on {safe(explanation.device)}" + (f" in {number(seconds)} s" if seconds else "")
    facts.append(("Computed", computed))
    listed = "".join(f"<dt>{title}</dt><dd>{value}</dd>" for title, value in facts)
    return f'<section><h2>The networks</h2><dl class="card">{listed}</dl></section>'


def _value(value: object) -> str:
    """Return a card's entry of any type as markup."""
    if isinstance(value, Mapping):
        entries = {
            str(key): item for key, item in value.items() if key not in _DETAILS and not str(key).endswith("_sd")
        }
        rows = "".join(f"<dt>{safe(words(key))}</dt><dd>{_value(item)}</dd>" for key, item in entries.items())
        return f'<dl class="card">{rows}</dl>'
    if isinstance(value, list | tuple):
        return f"<ul>{''.join(f'<li>{_value(item)}</li>' for item in value)}</ul>"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return safe(str(value))
