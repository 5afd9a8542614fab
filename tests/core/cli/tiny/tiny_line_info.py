"""A plugin with a recipe that fits a line through the points of a table, as a third party would offer one."""

from __future__ import annotations

from mien.sdk import Params, RecipeInfo, Registry, Search, hookimpl, param


class LineOptions(Params):
    """Options of the recipe."""

    pause: float = param(0.0, "rest after each batch", unit="s", ge=0, le=10)
    break_with: str = param("", "raise this kind of error")
    lr: float = param(0.3, "learning rate", gt=0)


def _recipe(name: str, factory: str) -> RecipeInfo:
    return RecipeInfo(
        id=name,
        title="A line",
        model=name,
        data=("points/points.csv",),
        description="Fits a line through points.",
        factory=factory,
        params=LineOptions,
        search=(Search("lr", 1e-4, 0.5, log=True),),
    )


@hookimpl
def mien_register(registry: Registry) -> None:
    registry.recipe(_recipe("tiny-line", "tiny_line"))
    registry.recipe(_recipe("tiny-needy", "tiny_needy"))
