"""Owners are alive exactly as long as their process, or what holds their lock, is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mien.library.owner import Owners


def test_an_owner_lives_until_it_leaves(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    one, other = Owners(folder), Owners(folder)
    assert not folder.exists()  # who only reads leaves no trace
    name = one.join()
    assert one.join() == name
    assert one.alive(name)
    assert other.alive(name)
    assert other.join() != name
    one.leave()
    assert not other.alive(name)
    other.leave()
    assert not folder.exists()


def test_a_dead_owner_is_recognised_and_buried(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    folder.mkdir()
    (folder / "dead.lock").touch()  # what a killed process leaves: the file without the lock
    owners = Owners(folder)
    assert not owners.alive("dead")
    assert not owners.alive("never-was")
    owners.bury("dead")
    owners.bury("dead")
    assert not folder.exists()


def test_the_folder_that_another_owner_takes_away_is_made_again(tmp_path: Path) -> None:
    """Whoever leaves last removes the folder, also when another has just made sure of it."""

    def come_and_go() -> None:
        own = Owners(tmp_path / "owners")
        for _ in range(2000):
            own.join()
            own.leave()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(come_and_go) for _ in range(4)]:
            future.result()
    assert not (tmp_path / "owners").exists()
