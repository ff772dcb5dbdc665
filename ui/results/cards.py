"""The model card of a pair: what it was trained on, how good it is, and where it fails."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from siam.drawing.phrases import words
from siam.errors import SIAMError
from siam.models import card as cards
from siam.models import checkpoint, versions
from siam.runtime.spreadsheets import defused
from ui.results.stored import photos as photos_in_words
from ui.state import chosen, resources
from ui.state.markdown import code, plain
from ui.state.public import message

VARIANTS = {"siam": "SIAM", "siam-frozen": "SIAM, no fine-tuning", "baseline": "baseline"}


def show_all() -> None:
    """Show the card of the pair in use, then those of the other bundled pairs."""
    show(resources.pair().card, f"{chosen.pair().label} (in use)")
    for pair in chosen.pairs().values():
        folder = checkpoint.BUNDLED / pair.source
        if pair == chosen.pair() or not folder.is_dir() or Path(pair.source).is_absolute():
            continue
        st.divider()
        try:
            show(cards.read(folder), pair.label)
        except SIAMError as error:
            st.warning(message(error), icon=":material/warning:")


def show(card: dict[str, Any], title: str) -> None:
    """Show a card as text and small tables; entries it lacks, as those of imported networks may, are left out."""
    st.subheader(plain(title), anchor=False)
    if (version := versions.known(card)) is not None:
        st.markdown(f"**Version.** {version}; *About* says what changed.")
    for label, key in (("Trained on", "training_data"), ("Limits", "limits")):
        if key in card:
            st.markdown(f"**{label}.** {plain(card[key])}")
    _show_networks(card)
    metrics = card.get("metrics") or {}
    if metrics.get("siam"):
        _show_scores(metrics)
    for key in metrics:
        if key.endswith("_test") and metrics[key].get("mean_average_precision") is not None:
            known = photos_in_words(key)
            _show_attributes(metrics, key, known if known != key else f"photos of {key.removesuffix('_test')}")
    if "masks" in metrics:
        masks = metrics["masks"]
        st.markdown(
            f"**Where, judged by people’s outlines in {plain(masks['n'])} unseen photos.** Mean pixel average "
            f"precision {masks['pixel_ap']:.2f} over {plain(masks['attributes'])} attributes "
            f"(chance {masks['chance']:.2f})."
        )
    if "recipe" in card:
        protocol = metrics.get("protocol")
        made = code(f"python -m siam train recipes/{card['recipe']}")
        st.caption(
            f"Made by {made} on {plain(card.get('trained', 'an unknown date'))}"
            + (f": {plain(protocol)}." if protocol else ".")
        )


def _show_networks(card: dict[str, Any]) -> None:
    """Say in one line what networks these are, and on which scale they score."""
    of = card.get("siam")
    if not isinstance(of, dict):
        return
    scale = of["scale"]
    st.markdown(
        f"**Networks.** SIAM with {len(of['attributes'])} attributes"
        + (" and its baseline" if card.get("baseline") else ", without a baseline")
        + f"; backbone {plain(of['backbone'])}, photos at {of['image_size']} px. "
        f"Scores: {plain(scale['name'])}, {scale['low']:g} to {scale['high']:g}."
    )


def _show_scores(metrics: dict[str, Any]) -> None:
    variants = {key: name for key, name in VARIANTS.items() if metrics.get(key)}
    rows = [
        {
            "photos": defused(photos_in_words(source)),
            "n": figures.get("n"),
            **{f"τ {name}": metrics[key].get(source, {}).get("kendall_tau") for key, name in variants.items()},
            **{f"RMSE {name}": metrics[key].get(source, {}).get("rmse") for key, name in variants.items()},
        }
        for source, figures in metrics["siam"].items()
    ]
    st.markdown("**Agreement with the crowd on unseen photos**")
    table = pd.DataFrame(rows).dropna(axis=1, how="all")
    st.dataframe(table, hide_index=True, column_config=_two_decimals(table))
    frozen = "siam-frozen" in variants
    st.caption(
        "τ: Kendall's rank correlation; 1 is the same order, 0 is chance. RMSE: in points of the scale."
        + frozen * " No fine-tuning: the attributes were trained without ratings, and only the templates on them."
    )


def _show_attributes(metrics: dict[str, Any], key: str, photos: str) -> None:
    figures = metrics[key]
    mean, chance = figures["mean_average_precision"], figures["chance"]
    text = (
        f"**What: attributes found on {plain(figures['n'])} unseen {plain(photos)}.** Mean average precision "
        f"{mean:.2f} over {plain(figures['attributes'])} attributes (chance {chance:.2f}"
    )
    alone = metrics.get("f_alone", {}).get("mean_average_precision")
    st.markdown(text + (f"; before training on ratings {alone:.2f})." if alone is not None else ")."))
    rows = {name: {"what: AP": value} for name, value in figures["per_attribute"].items()}
    places = figures.get("places")
    if places:
        st.markdown(
            f"**Where, judged by a segmenter.** Mean pixel average precision {places['pixel_ap']:.2f} over "
            f"{plain(places['attributes'])} attributes that can be outlined (chance {places['chance']:.2f})."
        )
        for name, row in places["per_attribute"].items():
            rows.setdefault(name, {}).update({"where: pixel AP": row["pixel_ap"], "where: chance": row["chance"]})
    with st.expander("Each attribute"):
        table = pd.DataFrame([{"attribute": defused(words(name)), **row} for name, row in rows.items()])
        table = table.sort_values("what: AP", ascending=False)
        st.dataframe(table, hide_index=True, column_config=_two_decimals(table))


def _two_decimals(table: pd.DataFrame) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.2f") for name in table.select_dtypes("float").columns}
