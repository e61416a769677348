"""A trained system with its sampling params, not loaded yet: what `padstal generate` and a challenge play with."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padstal.core.model_folder import WEIGHTS
from padstal.core.params import check, load_section, read_yaml
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams
from padstal.sampling.config import SampleParams
from padstal.sampling.setting import Setting, of
from padstal.systems.config import system_in

if TYPE_CHECKING:
    import torch

    from padstal.sampling.system import System


@dataclass(frozen=True)
class Trained:
    """A system whose weights are there.

    Attributes:
        name: Of params.yaml's systems.
        config: Its entry there.
        params: The section `sample`.
        usual: The grid's first setting, of the method that was asked for if one was.
    """

    paths: Paths
    name: str
    config: Any
    params: SampleParams
    usual: Setting

    @property
    def folders(self) -> dict[str, Path]:
        """Role → folder of the weights that it needs."""
        return dict(self.config.folders(self.paths))

    def load(self) -> "System":
        """The system on the device of `runtime`.

        Raises:
            ValueError: Models that do not belong together.
        """
        system: System = self.config.load(self.name, self.paths, torch_device(self.paths.params))
        return system


def trained(paths: Paths, name: str, method: str | None) -> Trained:
    """The system `name` of params.yaml, with the grid's first setting of `method`, or its first of all.

    Raises:
        FileNotFoundError: A model has not been trained.
        ValueError: No such system, or a method that the grid lacks.
    """
    params = load_section(paths.params, "sample", SampleParams, paths.scale)
    config = system_in(paths.params, name)
    settings = params.settings_on(config.grid)
    usual = of(settings, {"method.kind": method})[0] if method else settings[0]
    found = Trained(paths, name, config, params, usual)
    for role, folder in found.folders.items():
        if not (folder / WEIGHTS).is_file():
            where = folder.relative_to(paths.root)
            raise FileNotFoundError(f"{role}: no weights in {where}; run `make repro` or `dvc pull`")
    return found


def torch_device(params: Path) -> "torch.device":
    """`RuntimeParams.torch_device`, as params.yaml says."""
    return check(RuntimeParams, read_yaml(params).get("runtime"), "runtime").torch_device()
