import pytest

from padstal.curation.captions.shares import beside_paper


def test_shares_stand_beside_the_papers_and_ring_from_the_ratio_on():
    found = beside_paper(0.089, 0.151 * 3, alarm_ratio=3.0)
    assert found["filtered"].times == pytest.approx(1)
    assert not found["filtered"].alarm
    assert found["fused"].alarm
    assert not beside_paper(0.089 * 2.99, 0.151 / 2.99, alarm_ratio=3.0)["fused"].alarm
    assert beside_paper(0.0, 0.151, alarm_ratio=3.0)["filtered"].alarm
