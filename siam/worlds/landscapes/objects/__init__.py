"""What stands in a landscape. A new thing is a function of a pen and a generator, and a line in its module's table."""

from siam.worlds.landscapes.objects import (
    boats,
    clutter,
    farm,
    houses,
    lines,
    monuments,
    people,
    rail,
    sheds,
    vehicles,
    works,
)

THINGS = {
    **houses.OBJECTS, **sheds.OBJECTS, **monuments.OBJECTS, **clutter.OBJECTS, **people.OBJECTS, **vehicles.OBJECTS,
    **boats.OBJECTS, **rail.OBJECTS, **works.OBJECTS, **farm.OBJECTS,
}  # fmt: skip
LINES = lines.OBJECTS
