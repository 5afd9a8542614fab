"""Addresses of Ray clusters as people type them, refused before anybody is asked."""

from __future__ import annotations

import pytest

from mien.batch.cluster import check_address
from mien.errors import MienError


@pytest.mark.parametrize(
    "address", ["host:" + "9" * 5000, f"{'a' * 70}.b:6379", "..:6379", "a\nb:6379", "a" * 9000 + ":1"]
)
def test_an_address_that_cannot_be_is_refused_in_a_short_sentence(address: str) -> None:
    with pytest.raises(MienError) as caught:
        check_address(address)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
