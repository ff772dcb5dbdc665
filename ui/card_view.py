"""The model card of a pair: what it learned from, how well it does, what it cannot do."""

from typing import Any

import pandas as pd
import streamlit as st

from siam.wording import words

SOURCES = {
    "oasis_scenes": "OASIS outdoor scenes",
    "vessel_landscapes": "Vessel's nature photos",
    "rendered": "rendered landscapes",
}
LABELLED = {"sun_test": "SUN photos", "rendered_test": "rendered landscapes"}
VARIANTS = {"siam": "SIAM", "siam-frozen": "SIAM, no fine-tuning", "baseline": "baseline"}


def show(card: dict[str, Any]) -> None:
    """Show a card as text and small tables; what it does not tell, as that of imported networks, is left out."""
    st.subheader("The networks in use", anchor=False)
    for title, key in (("Learned from", "training_data"), ("Limits", "limits")):
        if key in card:
            st.markdown(f"**{title}.** {card[key]}")
    metrics = card.get("metrics") or {}
    if metrics.get("siam"):
        _show_scores(card, metrics)
    for key, photos in LABELLED.items():
        if key in metrics:
            _show_attributes(metrics, key, photos)


def _show_scores(card: dict[str, Any], metrics: dict[str, Any]) -> None:
    variants = {key: name for key, name in VARIANTS.items() if metrics.get(key)}
    rows = [
        {
            "photos": SOURCES.get(source, source),
            "n": figures["n"],
            **{f"τ {name}": metrics[key][source]["kendall_tau"] for key, name in variants.items()},
            **{f"RMSE {name}": metrics[key][source]["rmse"] for key, name in variants.items()},
        }
        for source, figures in metrics["siam"].items()
    ]
    st.markdown("**Agreement with people, on photos that the networks had not seen**")
    table = pd.DataFrame(rows)
    st.dataframe(table, hide_index=True, column_config=_two_decimals(table))
    trained = (
        f" Trained {card['trained']} by `python -m siam train recipes/{card['recipe']}`." if "recipe" in card else ""
    )
    st.caption(
        "τ: Kendall's rank correlation, 1 is the same order. RMSE in points of the scale. No fine-tuning: attributes "
        f"learned without scores, only the templates with them. {metrics['protocol']}.{trained}"
    )


def _show_attributes(metrics: dict[str, Any], key: str, photos: str) -> None:
    figures = metrics[key]
    mean, chance = figures["mean_average_precision"], figures["chance"]
    text = (
        f"**What: attributes found on {figures['n']} unseen {photos}.** Mean average precision {mean:.2f} over "
        f"{figures['attributes']} attributes (chance {chance:.2f}"
    )
    alone = metrics.get("f_alone", {}).get("mean_average_precision")
    st.markdown(text + (f"; before scores were learned {alone:.2f})." if alone is not None else ")."))
    rows = {name: {"what: AP": value} for name, value in figures["per_attribute"].items()}
    places = figures.get("places")
    if places:
        st.markdown(
            f"**Where, judged by a segmenter.** Mean pixel average precision {places['pixel_ap']:.2f} over "
            f"{places['attributes']} attributes that have a place one could outline (chance {places['chance']:.2f})."
        )
        for name, row in places["per_attribute"].items():
            rows.setdefault(name, {}).update({"where: pixel AP": row["pixel_ap"], "where: chance": row["chance"]})
    with st.expander("Each attribute"):
        table = pd.DataFrame([{"attribute": words(name), **row} for name, row in rows.items()])
        table = table.sort_values("what: AP", ascending=False)
        st.dataframe(table, hide_index=True, column_config=_two_decimals(table))


def _two_decimals(table: pd.DataFrame) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.2f") for name in table.select_dtypes("float").columns}
