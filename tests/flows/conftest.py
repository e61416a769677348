import pytest


@pytest.fixture
def _dvc_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the flows' steps run DVC in a copy of this process."""
    import flows.repro
    from tests.flows.dvc_here import dvc_here

    monkeypatch.setattr(flows.repro, "dvc", dvc_here)
