"""The GPU worker: takes exactly one commit of a run's branch, trains, pushes the data and the branch.

`flows/retrain.py` runs it through the deployment `train/train`. All that it needs comes from git and the DVC remote,
and all that it gives goes there, so it may be any machine. A try after one that was killed goes on from the checkpoints
of this machine and from what the branch has recorded.
"""

from flows import local_prefect  # noqa: F401  sets Prefect's variables, so it comes first

# isort: split
from prefect import flow, get_run_logger

from flows.dag import read_dag
from flows.parameters import TRAINING
from flows.prefect_tasks import prefect_steps, show_stages
from flows.run_branch import head
from flows.stages import phases, train_at
from flows.workspace import workspace


@flow(name="train", flow_run_name="train-{branch}", persist_result=False, log_prints=False)
def train(commit: str, branch: str, stages: list[str] | None = None, repository: str | None = None) -> str:
    """Bring the training stages up to date at a commit.

    Args:
        commit: Of the run's branch, whole.
        branch: The run's branch, that the records go to.
        stages: Names in `dvc.yaml`; by default from the first training to the last.
        repository: Address or path of the repository; by default the `origin` of this checkout.

    Returns:
        The last commit of the branch, with what was recorded.
    """
    with workspace("train", revision=commit, repository=repository, say=get_run_logger().info) as space:
        wanted = stages or phases(read_dag(space.root), TRAINING).training
        runs = train_at(space, branch, wanted, prefect_steps(space.root))
        show_stages(runs)
        return head(space.root)
