"""From a body plan to an animal in its habitat, stage by stage: everything but the finish."""

from typing import Protocol

from typing_extensions import override

from postcards_image.engines.creature.anatomy.body import lay_bones
from postcards_image.engines.creature.finish.composition import compose
from postcards_image.engines.creature.layers import Picture
from postcards_image.engines.creature.rendering import painter, previews
from postcards_image.engines.creature.scenery import paint_scenery
from postcards_serving.engine.work import Work
from postcards_species.body.plan import BodyPlan
from postcards_species.place.scene import Scene


class Watcher(Protocol):
    """Follows a picture while it is drawn."""

    def begin(self, stage: str) -> None:
        """A stage begins. Raises to stop the drawing."""
        ...

    def check(self) -> None:
        """Within a stage that takes long. Raises to stop the drawing."""
        ...

    def show(self, look: previews.Look) -> None:
        """There is something to see, which `look` draws."""
        ...


class Unwatched(Watcher):
    """Shows nobody anything; stops between stages where the work is no longer wanted."""

    def __init__(self, work: Work) -> None:
        """Asks `work` whether to go on."""
        self._work = work

    @override
    def begin(self, stage: str) -> None:
        del stage
        self.check()

    @override
    def check(self) -> None:
        self._work.check()

    @override
    def show(self, look: previews.Look) -> None:
        del look


def draw_in_place(plan: BodyPlan, scene: Scene, seed: int, width: int, height: int, watcher: Watcher) -> Picture:
    """Draws the animal of `plan` in `scene` at `width` by `height` pixels (64 to 2048 each).

    Reports the stages "skeleton", "body", "skin" and "light". The same arguments give the same picture.

    Raises:
        ServiceError: what `watcher` raises to stop it.
    """
    canvas = painter.Canvas(width, height)

    watcher.begin("skeleton")
    bones = lay_bones(plan)
    watcher.show(lambda: previews.show_skeleton(plan, bones, canvas))

    watcher.begin("body")
    scenery = paint_scenery(scene, width, height, seed)
    watcher.check()
    placed = painter.Canvas(width, height, scenery.ground_y, scenery.scale)
    body = painter.flesh_out(plan, bones, placed)
    view = painter.look(plan, body, placed)
    watcher.show(lambda: previews.show_body(view, painter.bare_normals(body, view), placed))

    watcher.begin("skin")
    clad = painter.dress(plan, body, view)
    watcher.show(lambda: previews.show_skin(view, clad, placed))

    watcher.begin("light")
    animal = painter.illuminate(plan, body, view, clad, scenery, placed)
    watcher.show(lambda: previews.show_light(compose(scenery, animal), placed))
    return Picture(animal, scenery)
