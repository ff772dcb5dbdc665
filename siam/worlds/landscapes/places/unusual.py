"""Landscapes without their usual company, now and then: sand far from the sea, lakes without grass, treeless rivers.

Without them a network could recognise sand by the sea beside it. The choices here come from a generator of their own.
"""

from collections.abc import Callable

import numpy as np

from siam.worlds.landscapes.plan import Layer, Plan


def _desert(plan: Plan, generator: np.random.Generator) -> None:
    """Dry land becomes sand dunes between bare mountains."""
    plan.layers = [
        Layer("sand"),
        Layer("earth", patches=(1.0, 1.5), patch_length=30, share=0.7),
        Layer("rock", far=(500, 900), steep=(0.3, 0.5)),
    ]
    plan.tufts = False
    if generator.random() < 0.5:
        plan.woods = []


def _bare_shore(plan: Plan, generator: np.random.Generator) -> None:
    """A lake lies in scree or snow, where nothing grows."""
    cover = [Layer("snow")] if generator.random() < 0.4 else [Layer("scree")]
    bare = [layer for layer in plan.layers if layer.material in ("rock", "far_snow")]
    plan.layers = [*cover, Layer("rock", patches=(0.7, 1.2), far=(120, 300), patch_length=60), *bare]
    plan.woods, plan.flowers, plan.tufts = [], 0.0, False


def _open_river(plan: Plan, generator: np.random.Generator) -> None:
    """A river runs through open land: heath, or gravel banks."""
    cover = Layer("heath") if generator.random() < 0.5 else Layer("scree")
    plan.layers = [cover, Layer("scree", high=(0.45, 0.2), share=0.9), Layer("rock", far=(300, 600), steep=(0.2, 0.4))]
    plan.woods, plan.flowers, plan.tufts = [], 0.0, cover.material == "heath"


UNUSUAL: dict[str, tuple[Callable[[Plan, np.random.Generator], None], float]] = {  # by place, with the chance there
    "steppe": (_desert, 0.5),
    "alpine_lake": (_bare_shore, 0.3),
    "river": (_open_river, 0.35),
}


def make_unusual(plan: Plan, generator: np.random.Generator) -> bool:
    """By chance, change a plan into one without its usual company; return whether it was changed."""
    change, chance = UNUSUAL.get(plan.place, (None, 0.0))
    if change is None or generator.random() >= chance:
        return False
    change(plan, generator)
    return True
