"""The hash by which a medium is known: of the content as it is now, read once, ahead of time where there is some."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mien.errors import MediaMissing
from mien.media import identity

CONTENT = bytes(range(256)) * 20_000  # 5 MB: more than one block


@pytest.fixture
def medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as settled, so that no test need wait."""
    monkeypatch.setattr(identity, "_SETTLED", -1.0)
    path = tmp_path / "medium.bin"
    path.write_bytes(CONTENT)
    return path


def right(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def test_what_was_begun_is_not_read_again(medium: Path) -> None:
    identity.begin(medium)
    identity.begin(medium)
    told: list[float] = []
    assert identity.content_id(medium, told.append) == right(CONTENT)
    assert told == [1.0]
    assert not identity._begun


def test_a_file_that_changes_after_it_was_begun_is_read_again(medium: Path) -> None:
    identity.begin(medium)
    identity.content_id(medium)
    medium.write_bytes(CONTENT[:-1])
    told: list[float] = []
    assert identity.content_id(medium, told.append) == right(CONTENT[:-1])
    assert len(told) > 1


def test_one_that_has_just_changed_is_not_begun(medium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_SETTLED", 3600.0)
    identity.begin(medium)
    assert not identity._begun
    assert identity.content_id(medium) == right(CONTENT)


def test_what_cannot_be_read_is_said_when_it_is_asked_for(tmp_path: Path) -> None:
    identity.begin(tmp_path / "nothing.mp4")
    identity.begin(tmp_path)
    assert not identity._begun
    with pytest.raises(MediaMissing):
        identity.content_id(tmp_path / "nothing.mp4")
