"""What varies from flower to flower, whatever its class: the nuisance parameters."""

from dataclasses import dataclass

import numpy as np

TAU = 2 * np.pi


@dataclass(frozen=True)
class Traits:
    """Everything that is drawn at random for a flower, except its class and small irregularities.

    Lengths are in units of about the pot's height, angles in radians, colours linear RGB.

    Attributes:
        azimuth, elevation, distance: of the camera, around the middle of the plant.
        share: share of the picture, along the plant's longer side, that the plant fills.
        shift_x, shift_y: position in the remaining margin, -1 to 1.
        sun_azimuth, sun_elevation: of the light.
        warmth: of the light, -1 bluish to 1 reddish.
        brightness: of the light, about 1.
        softness: radius of the shadows' edges.
        backdrop: hue, saturation and value of the background, each 0 to 1.
        pot: hue, saturation and value.
        pot_height, pot_foot, pot_flare, pot_bulge: height, radius of the foot, factor from foot to rim, outward bend.
        gloss: of the pot, 0 earthenware to 1 glazed.
        band: lower and upper edge of the pot's painted band, shares of its height; equal for none.
        saucer: whether there is one.
        height, bend, bend_azimuth, thickness: of the stem; the bend moves the head aside.
        tilt: of the head, away from straight up in the direction of the bend.
        leaves, leaf_length, leaf_width, leaf_droop, leaf_turn: number and shape; the turn is the first one's azimuth.
        petals, layers: petals of a layer, and layers.
        petal_length, petal_width: width as a factor of what makes neighbours touch.
        open, curl: angle of the petals above the head's plane at their foot, and its change towards the tip.
        cup, blunt, notch, waist: how far their edges rise, how round and notched the tip is, how narrow the foot.
        turn: of the head around its axis.
        centre, dome: radius and height of the centre.
        centre_tone: 0 yellow to 1 dark brown.
        petal_shade, stem_shade: factors of the parts' colours.
        petal_eye: how much darker the petals are at the foot.
        stem_hue: how far the stem's hue departs from its own, -1 to 1.
    """

    azimuth: float
    elevation: float
    distance: float
    share: float
    shift_x: float
    shift_y: float
    sun_azimuth: float
    sun_elevation: float
    warmth: float
    brightness: float
    softness: float
    backdrop: tuple[float, float, float]
    pot: tuple[float, float, float]
    pot_height: float
    pot_foot: float
    pot_flare: float
    pot_bulge: float
    gloss: float
    band: tuple[float, float]
    saucer: bool
    height: float
    bend: float
    bend_azimuth: float
    thickness: float
    tilt: float
    leaves: int
    leaf_length: float
    leaf_width: float
    leaf_droop: float
    leaf_turn: float
    petals: int
    layers: int
    petal_length: float
    petal_width: float
    open: float
    curl: float
    cup: float
    blunt: float
    notch: float
    waist: float
    turn: float
    centre: float
    dome: float
    centre_tone: float
    petal_shade: float
    stem_shade: float
    petal_eye: float
    stem_hue: float


def draw_traits(generator: np.random.Generator) -> Traits:
    """Draw the traits of a flower."""
    between = generator.uniform
    petals = int(generator.integers(5, 17))
    band = between(0.15, 0.55)
    centre = between(0.13, 0.24)
    return Traits(
        azimuth=between(0, TAU),
        elevation=between(0.22, 0.85),
        distance=between(5.5, 9.0),
        share=between(0.74, 0.92),
        shift_x=between(-0.6, 0.6),
        shift_y=between(-0.7, 0.7),
        sun_azimuth=between(0, TAU),
        sun_elevation=between(0.65, 1.15),
        warmth=between(-1, 1),
        brightness=between(0.88, 1.10),
        softness=between(0.02, 0.06),
        backdrop=(between(0, 1), between(0.02, 0.18), between(0.55, 0.95)),
        pot=_pot_colour(generator),
        pot_height=between(0.62, 0.85),
        pot_foot=between(0.29, 0.39),
        pot_flare=between(1.12, 1.45),
        pot_bulge=between(-0.02, 0.12),
        gloss=between(0, 1) ** 2,
        band=(band, band + max(0.0, between(-0.25, 0.30))),
        saucer=bool(generator.random() < 0.5),
        height=between(1.15, 1.65),
        bend=between(0, 0.45),
        bend_azimuth=between(0, TAU),
        thickness=between(0.042, 0.060),
        tilt=between(0.25, 1.10),
        leaves=int(generator.integers(2, 6)),
        leaf_length=between(0.55, 0.85),
        leaf_width=between(0.10, 0.19),
        leaf_droop=between(0.5, 1.5),
        leaf_turn=between(0, TAU),
        petals=petals,
        layers=1 + int(generator.random() < 0.45),
        petal_length=between(0.50, 0.78),
        petal_width=between(0.85, 1.45),
        open=between(0.10, 0.95),
        curl=between(-0.9, 0.25),
        cup=between(0.1, 0.6),
        blunt=between(2.5, 7.0),
        notch=max(0.0, between(-0.12, 0.12)),
        waist=between(0.45, 0.9),
        turn=between(0, TAU),
        centre=centre,
        dome=centre * between(0.35, 0.7),
        centre_tone=between(0, 1),
        petal_shade=between(0.88, 1.08),
        stem_shade=between(0.85, 1.10),
        petal_eye=between(0, 0.35),
        stem_hue=between(-1, 1),
    )


def _pot_colour(generator: np.random.Generator) -> tuple[float, float, float]:
    """Return hue, saturation and value: earthenware, a muted glaze, or nearly white."""
    kind = generator.random()
    if kind < 0.4:
        return generator.uniform(0.03, 0.07), generator.uniform(0.45, 0.65), generator.uniform(0.60, 0.80)
    if kind < 0.75:
        return generator.uniform(0, 1), generator.uniform(0.15, 0.45), generator.uniform(0.35, 0.80)
    return generator.uniform(0.05, 0.15), generator.uniform(0.02, 0.08), generator.uniform(0.80, 0.92)
