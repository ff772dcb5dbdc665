"""The views of the page Results, by name."""

from collections.abc import Callable

from ui.results import cards, charts, explainers, tables

VIEWS: dict[str, Callable[[], None]] = {
    "The paper's tables": tables.paper,
    "Attributes": charts.attributes,
    "Scores and people": charts.people,
    "Presence": charts.presence,
    "What, where, how": tables.what_where_how,
    "Explainers": explainers.explainers,
    "Model cards": cards.show_all,
}
