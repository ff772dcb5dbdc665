"""The model card of a pair: what it learned from, how well it does, what it cannot do."""

from typing import Any

import pandas as pd
import streamlit as st

from siam.wording import words

SOURCES = {"oasis_scenes": "OASIS outdoor scenes", "vessel_landscapes": "Vessel's nature photos"}


def show(card: dict[str, Any]) -> None:
    """Show a card as text and two small tables."""
    metrics = card["metrics"]
    st.subheader("The bundled networks", anchor=False)
    st.markdown(f"**Learned from.** {card['training_data']}")
    st.markdown(f"**Limits.** {card['limits']}")
    rows = [
        {
            "source": SOURCES.get(source, source),
            "rated photos": figures["n"],
            "SIAM τ": figures["kendall_tau"],
            "baseline τ": metrics["baseline"][source]["kendall_tau"],
            "SIAM RMSE": figures["rmse"],
            "baseline RMSE": metrics["baseline"][source]["rmse"],
        }
        for source, figures in metrics["siam"].items()
    ]
    st.markdown("**Agreement with people, on photos that the networks had not seen**")
    st.dataframe(pd.DataFrame(rows).round(2), hide_index=True)
    st.caption(
        f"τ: Kendall's rank correlation, 1 is the same order. RMSE in points of the scale. {metrics['protocol']}. "
        f"Trained {card['trained']} by `python -m siam train recipes/{card['recipe']}`."
    )
    sun = metrics["sun_test"]
    st.markdown(
        f"**Attributes found on {sun['n']} unseen SUN photos**: mean average precision "
        f"{sun['mean_average_precision']:.2f} over {sun['attributes']} attributes (chance {sun['chance']:.2f})"
    )
    precision = pd.DataFrame(
        [{"attribute": words(name), "average precision": value} for name, value in sun["per_attribute"].items()]
    )
    with st.expander("Each attribute's average precision"):
        st.dataframe(precision.round(2).sort_values("average precision", ascending=False), hide_index=True)
