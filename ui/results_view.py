"""The views of stored results that the page Results chooses from."""

from collections.abc import Callable

from ui import card_view, results_charts, results_explainers, results_tables

VIEWS: dict[str, Callable[[], None]] = {
    "The paper's tables": results_tables.paper,
    "Attributes": results_charts.attributes,
    "Scores and people": results_charts.people,
    "Presence": results_charts.presence,
    "What, where, how": results_tables.what_where_how,
    "Explainers": results_explainers.explainers,
    "Model cards": card_view.show_all,
}
