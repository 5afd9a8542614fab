"""FER2013: copies never straddle a split, damage is said, augmentation is repeatable and gentle."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mien.errors import CorpusError
from mien_plugins.face.data import augmented, batches, group_copies, load_fer2013, plain


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures (count, 48, 48), unlike one another."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)
    return np.stack([cv2.resize(c, (48, 48), interpolation=cv2.INTER_CUBIC) for c in coarse])


def write_corpus(folder: Path, images: np.ndarray, labels: np.ndarray, usage: np.ndarray) -> Path:
    jpegs = [cv2.imencode(".jpg", i, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].ravel() for i in images]
    offset = np.cumsum([0, *(len(j) for j in jpegs)])
    classes = np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"])
    file = folder / "fer2013.npz"
    np.savez(
        file,
        jpeg=np.concatenate(jpegs),
        offset=offset,
        y=labels.astype(np.uint8),
        usage=usage.astype(np.uint8),
        classes=classes,
    )
    return file


def test_copies_are_found_mirrored_noisy_or_darker():
    images = pictures(40)
    noise = np.random.default_rng(1).normal(0, 3, (48, 48))
    twin = np.clip(images[3] + noise, 0, 255).astype(np.uint8)
    darker = (images[5] * 0.6 + 10).astype(np.uint8)
    group = group_copies(np.concatenate([images, [twin, images[7][:, ::-1], darker]]))
    assert group[40] == group[3]
    assert group[41] == group[7]
    assert group[42] == group[5]
    assert len(np.unique(group)) == 40


def test_no_copy_crosses_a_split_and_none_of_the_test_part_is_learnt(tmp_path):
    images = pictures(120)
    doubled = np.concatenate([images, images[:30][:, :, ::-1]])
    usage = np.zeros(150, int)
    usage[100:120] = 1
    doubled[140] = images[105]  # a Training picture that is also in PublicTest
    write_corpus(tmp_path, doubled, np.arange(150) % 7, usage)
    corpus = load_fer2013(tmp_path, valid_share=0.2)
    assert corpus.dropped == 1
    assert len(corpus.test) == 20
    assert len(corpus.train) + len(corpus.valid) == 129
    assert 0 < len(corpus.valid) <= 26
    parts = [corpus.train.images, corpus.valid.images, corpus.test.images]
    group = group_copies(np.concatenate(parts))
    train, valid, test = (set(g) for g in np.split(group, np.cumsum([len(p) for p in parts])[:-1]))
    assert not train & valid
    assert not (train | valid) & test


def test_damage_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_fer2013(tmp_path)
    file = write_corpus(tmp_path, pictures(8), np.arange(8) % 7, np.arange(8) // 7)
    with np.load(file) as archive:
        parts = dict(archive)
    parts["jpeg"] = parts["jpeg"].copy()
    parts["jpeg"][parts["offset"][2] :] = 0
    np.savez(file, **parts)
    with pytest.raises(CorpusError, match="Picture 2"):
        load_fer2013(file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jpeg": np.zeros(100, np.float32)}, "whole numbers"),
        ({"offset": np.linspace(0, 1, 9)}, "whole numbers"),
        ({"offset": np.zeros((9, 2), int)}, "whole numbers"),
        ({"y": np.zeros((8, 1), int)}, "whole numbers"),
    ],
)
def test_arrays_of_another_kind_are_said(tmp_path, change, said):
    file = write_corpus(tmp_path, pictures(8), np.arange(8) % 7, np.arange(8) // 7)
    with np.load(file) as archive:
        parts = dict(archive)
    np.savez(file, **(parts | change))
    with pytest.raises(CorpusError, match=said) as caught:
        load_fer2013(file)
    assert "\n" not in str(caught.value)


def test_too_few_pictures_to_validate_on_are_said(tmp_path):
    write_corpus(tmp_path, pictures(8), np.arange(8) % 7, np.arange(8) // 7)
    with pytest.raises(CorpusError, match=r"validation split of .* is empty"):
        load_fer2013(tmp_path)


def test_standardised_pictures_forget_brightness_and_contrast():
    images = pictures(4)
    dim = (images * 0.5 + 20).astype(np.uint8)
    x, y = plain(images, 64), plain(dim, 64)
    assert x.shape == (4, 1, 64, 64)
    torch.testing.assert_close(x, y, atol=0.05, rtol=0)
    torch.testing.assert_close(x.mean(dim=(1, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    assert torch.equal(plain(np.full((1, 48, 48), 77, np.uint8), 48), torch.zeros(1, 1, 48, 48))


def test_augmentation_is_repeatable_varied_and_recognisable():
    images = np.repeat(pictures(1), 64, axis=0)

    def draw(seed: int) -> torch.Tensor:
        return augmented(images, 64, torch.Generator().manual_seed(seed))

    first = draw(0)
    assert torch.equal(first, draw(0))
    assert not torch.equal(first, draw(1))
    original = plain(images[:1], 64)[0, 0].flatten()
    mirrored = plain(images[:1, :, ::-1], 64)[0, 0].flatten()
    pairs = [
        max(float(torch.corrcoef(torch.stack([x[0].flatten(), o]))[0, 1]) for o in (original, mirrored)) for x in first
    ]
    assert np.mean(pairs) > 0.5


def test_batches_hold_every_face_once(tmp_path):
    write_corpus(tmp_path, pictures(51), np.arange(51) % 7, np.arange(51) // 50)
    faces = load_fer2013(tmp_path, valid_share=0.0).train
    labels = torch.cat([y for _, y in batches(faces, 48, 16, torch.Generator().manual_seed(0))])
    assert len(labels) == 50
    assert torch.equal(labels.sort().values, torch.from_numpy(np.sort(faces.labels)))
