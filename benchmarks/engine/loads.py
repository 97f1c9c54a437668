"""The loads that are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Load:
    """A load. `unit` is what its figure is: `ms` a step, or `tasks/s`, or `plans/s`."""

    name: str
    shape: str
    tasks: int
    plans: int
    unit: str

    def capped(self, most: int | None) -> Load:
        """With at most so many tasks and plans."""
        if most is None:
            return self
        return replace(self, tasks=min(self.tasks, most), plans=min(self.plans, most))

    def figure(self, seconds: float) -> float:
        if self.unit == "ms":
            return seconds / self.tasks * 1_000
        return (self.plans if self.unit == "plans/s" else self.tasks) / seconds

    @property
    def result(self) -> str:
        """The name of the figure in the RESULT line."""
        return f"{self.name}_{self.unit.replace('/', '_')}"

    @property
    def title(self) -> str:
        match self.shape:
            case "chain":
                return f"W1, a chain of {self.tasks:,} tasks, ms per step"
            case "fan":
                return f"W2, one root, {self.tasks:,} parallel tasks, one join, tasks/s"
            case _:
                return f"W3, {self.plans:,} plans of 5 tasks at once, plans/s"


LOADS = {
    load.name: load
    for load in (
        Load("w1", "chain", 1_000, 1, "ms"),
        Load("w2", "fan", 10_000, 1, "tasks/s"),
        Load("w3", "diamond", 5, 1_000, "plans/s"),
    )
}
