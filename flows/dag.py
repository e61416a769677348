"""The stages and their order, read from `dvc.yaml`, the only DAG."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from padstal.operations.integrity.lock_repair import guard_lock


@dataclass(frozen=True)
class Dag:
    """The stages of `dvc.yaml` in the order in which they run.

    Attributes:
        stages: Names with matrix items expanded ("prepare@clap"), each after all it needs.
        needs: Stage → the stages whose outputs it reads.
    """

    stages: tuple[str, ...]
    needs: dict[str, frozenset[str]]

    def named(self, names: Iterable[str]) -> set[str]:
        """The stages of these names; "prepare" stands for all its items.

        Raises:
            ValueError: A name is no stage.
        """
        chosen: set[str] = set()
        for name in names:
            found = [stage for stage in self.stages if name in (stage, stage.partition("@")[0])]
            if not found:
                raise ValueError(f"{name!r} is no stage of dvc.yaml: expected one of {', '.join(self.stages)}")
            chosen.update(found)
        return chosen

    def upto(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """The wanted stages (as `named`) and everything upstream of them."""
        chosen = self.named(wanted)
        for stage in reversed(self.stages):
            if stage in chosen:
                chosen |= self.needs[stage]
        return tuple(stage for stage in self.stages if stage in chosen)

    def downstream(self, changed: Iterable[str]) -> frozenset[str]:
        """The changed stages and everything that comes after them."""
        reached = set(changed)
        for stage in self.stages:
            if self.needs[stage] & reached:
                reached.add(stage)
        return frozenset(reached)


def read_dag(root: Path) -> Dag:
    """The DAG of the DVC repository at `root`.

    Raises:
        ValueError: DVC cannot read the pipeline, or there is no repository; the words are DVC's.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    guard_lock(root)
    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph  # edges point upstream
    except DvcException as error:
        raise ValueError(f"{root}: {error}") from error
    stages = tuple(stage.name for stage in plan_repro(graph))
    needs = {stage.name: frozenset(above.name for above in graph.successors(stage)) for stage in graph}
    return Dag(stages, needs)
