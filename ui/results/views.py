"""The views of the page Results, by name."""

from collections.abc import Callable

from ui.results import cards, charts, context, doubt, explainers, speed, tables

VIEWS: dict[str, Callable[[], None]] = {
    "The paper's tables": tables.paper,
    "Attributes": charts.attributes,
    "Scores and people": charts.people,
    "How sure": doubt.doubt,
    "With context": context.context,
    "Presence": charts.presence,
    "What, where, how": tables.what_where_how,
    "Explainers": explainers.explainers,
    "Speed": speed.speed,
    "Model cards": cards.show_all,
}
