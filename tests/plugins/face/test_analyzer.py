"""The two analyzers as the host runs them: blocks in, checked pieces of tracks out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydantic
import pytest
import torch

from mien.errors import Cancelled, ModelError
from mien.media.crops import crop_face
from mien.sdk.blocks import Block, CropBatch, FrameBatch
from mien.sdk.media import MediaInfo
from mien.tracks import Boxes, Curve, Features
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import load_model, save_model
from mien_plugins.emotion.norms import PAD
from mien_plugins.face.analyzer import FaceAffect, FaceDetector
from mien_plugins.face.info import AFFECT, CROP, DETECT, MARGIN, AffectParams, DetectParams
from mien_plugins.face.net import FaceNet, FaceNetConfig
from mien_plugins.face.reader import ExpressionReader
from mien_plugins.face.views import FaceEnsemble

MEDIA = MediaInfo(Path("clip.mp4"), has_video=True)


def frames(clip) -> Block:
    return Block(float(clip.times[0]), float(clip.times[-1]), frames=FrameBatch(clip.times, clip.images))


def detect(host, clip, **params):
    analyzer = FaceDetector()
    analyzer.prepare(MEDIA, DetectParams(**params), host)
    pieces = [*analyzer.process(frames(clip)), *analyzer.finish()]
    analyzer.close()
    return pieces


def crops_of(clip, boxes: Boxes) -> CropBatch:
    pictures = dict(zip(clip.times.tolist(), clip.images, strict=True))
    images = [
        crop_face(pictures[time], box, CROP, MARGIN, marks)
        for time, box, marks in zip(boxes.times.tolist(), boxes.xywh, boxes.landmarks, strict=True)
    ]
    return CropBatch(boxes.times, boxes.person, np.stack(images), boxes.xywh)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """A model that has learnt nothing: only its mechanics mean anything."""
    folder = tmp_path_factory.mktemp("untrained")
    torch.manual_seed(0)
    ensemble = FaceEnsemble((FaceNet(), FaceNet()), ((0, 1.0), (1, 1.1)))
    config = {
        "net": FaceNetConfig().to_dict(),
        "nets": 2,
        "views": [list(view) for view in ensemble.views],
        "size": 48,
        "classes": list(EXPRESSIONS),
        "temperature": 1.3,
        "quick": True,
    }
    save_model(folder, ensemble.state_dict(), config)
    return folder


def test_descriptors_say_what_is_needed_without_torch():
    assert DETECT.inputs_for(DetectParams(rate=8, size=320))[0].rate == 8
    assert [r.track for r in AFFECT.reads_for(AffectParams())] == ["face.boxes"]
    assert AFFECT.outputs[0].quantities[3].name == "happy"
    code = "import sys, mien_plugins.face.info; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"min_face": 2}, {"detector": "haar"}, {"threshold": 1.5}, {"colour": 1}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(pydantic.ValidationError):
        DetectParams(**wrong)


def test_faces_come_as_one_piece_of_boxes(clip, host):
    seen = clip("real/talking_2.mp4", count=10)
    context = host()
    (boxes,) = detect(context, seen)
    assert isinstance(boxes, Boxes)
    assert boxes.times.tolist() == seen.times.tolist()
    assert set(boxes.person.tolist()) == {1}
    assert boxes.landmarks.shape == (10, 5, 2)
    assert ((boxes.score > 0.6) & (boxes.score <= 1)).all()
    assert context.notes == ["Faces were searched by MTCNN."]


def test_blocks_without_frames_or_faces_say_nothing(clip, host):
    analyzer = FaceDetector()
    analyzer.prepare(MEDIA, DetectParams(), host())
    assert list(analyzer.process(Block(0, 1))) == []
    assert list(analyzer.process(frames(clip("odd/av1_video.mkv", count=5)))) == []
    assert list(analyzer.finish()) == []
    analyzer.close()
    analyzer.close()


def test_a_stopped_run_stops(clip, host, untrained):
    analyzer = FaceDetector()
    context = host()
    analyzer.prepare(MEDIA, DetectParams(), context)
    context.cancelled = True
    with pytest.raises(Cancelled):
        list(analyzer.process(frames(clip("odd/one_frame.mp4"))))


def test_yunet_is_taken_when_installed(clip, host, shared):
    weights = shared / "models" / "yunet"
    if not weights.is_dir():
        pytest.skip("needs YuNet's weights")
    seen = clip("real/talking_2.mp4", count=10)
    context = host({"yunet": weights})
    (boxes,) = detect(context, seen)
    assert context.notes == ["Faces were searched by YuNet."]
    assert set(boxes.person.tolist()) == {1}
    (theirs,) = detect(host({"yunet": weights}), seen, detector="mtcnn")
    centres = [b.xywh[:, :2] + b.xywh[:, 2:] / 2 for b in (boxes, theirs)]
    assert np.abs(centres[0] - centres[1]).max() < 0.12 * theirs.xywh[:, 2:].max()
    assert detect(context, clip("odd/av1_video.mkv", count=5)) == []
    assert detect(context, clip("odd/-leading-dash-1x1px.mp4")) == []


@pytest.mark.parametrize("content", [None, b"not onnx"])
def test_yunet_missing_or_damaged_is_one_sentence(host, tmp_path, content):
    models = {}
    if content is not None:
        (tmp_path / "yunet.onnx").write_bytes(content)
        models["yunet"] = tmp_path
    with pytest.raises(ModelError, match=r"YuNet"):
        FaceDetector().prepare(MEDIA, DetectParams(detector="yunet"), host(models))


def test_faces_are_read_per_person_in_the_order_of_time(host, untrained):
    rng = np.random.default_rng(0)
    times = np.array([0.4, 0.2, 0.2, 0.0])
    person = np.array([1, 2, 1, 1], np.int32)
    images = rng.integers(0, 256, (4, CROP, CROP, 3), dtype=np.uint8)
    images[3] = 0  # a black face must not turn into NaN
    batch = CropBatch(times, person, images, np.zeros((4, 4), np.float32))
    pieces = {}
    for size in (64, 1):
        analyzer = FaceAffect()
        analyzer.prepare(MEDIA, AffectParams(batch=size), host({"face-affect": untrained}))
        pieces[size] = list(analyzer.process(Block(0, 1, crops=batch)))
        assert list(analyzer.process(Block(1, 2))) == []
        assert list(analyzer.finish()) == []
        analyzer.close()
    expression, affect, embedding = pieces[64]
    assert isinstance(expression, Curve)
    assert isinstance(embedding, Features)
    assert expression.times.tolist() == [0.0, 0.2, 0.2, 0.4]
    assert expression.person.tolist() == [1, 2, 1, 1]
    assert expression.channels == EXPRESSIONS
    np.testing.assert_allclose(expression.values.sum(1), 1, atol=1e-5)
    assert affect.channels == ("valence", "arousal")
    norms = np.array([PAD[name][:2] for name in EXPRESSIONS])
    np.testing.assert_allclose(affect.values, expression.values @ norms, atol=1e-5)
    assert embedding.vectors.shape == (4, 256)
    for one, many in zip(pieces[1], pieces[64], strict=True):
        a, b = (p.vectors if isinstance(p, Features) else p.values for p in (one, many))
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_damaged_model_is_one_sentence(host, untrained, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((untrained / name).read_bytes())
    with (tmp_path / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelError, match="face-affect"):
        FaceAffect().prepare(MEDIA, AffectParams(), host({"face-affect": tmp_path}))
    with pytest.raises(ModelError):
        FaceAffect().prepare(MEDIA, AffectParams(), host())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": [*EXPRESSIONS[1:], EXPRESSIONS[0]]}, "other expressions, or in another order"),
        ({"classes": list(EXPRESSIONS[:6])}, "other expressions, or in another order"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": -1.0}, "temperature"),
        ({"size": 100_000}, "pixels"),
        ({"net": FaceNetConfig().to_dict() | {"embedding": -1}}, "cannot be read"),
        ({"net": FaceNetConfig().to_dict() | {"classes": 6}}, "cannot be read"),
        ({"net": FaceNetConfig().to_dict() | {"hrnet": []}}, "cannot be read"),
    ],
)
def test_a_model_that_would_be_misread_is_one_sentence(host, untrained, tmp_path, change, said):
    weights, config = load_model(untrained)
    config.pop("sha256")
    save_model(tmp_path, weights, config | change)
    with pytest.raises(ModelError, match=said) as caught:
        FaceAffect().prepare(MEDIA, AffectParams(), host({"face-affect": tmp_path}))
    assert "\n" not in str(caught.value)


def test_attention_maps_can_be_asked_for(untrained):
    reader = ExpressionReader.load(untrained)
    images = np.random.default_rng(0).integers(0, 256, (3, CROP, CROP, 3), dtype=np.uint8)
    maps = reader.read(images, attention=True).attention
    assert maps.shape == (3, 24, 24)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, atol=1e-4)
    assert reader.read(images).attention is None


def test_a_smile_is_read_from_a_real_clip(clip, host, face_model):
    # A man looks plainly into the camera, then smiles.
    seen = clip("real/single_face_2s.mp4")
    (boxes,) = detect(host(), seen)
    analyzer = FaceAffect()
    analyzer.prepare(MEDIA, AffectParams(), host({"face-affect": face_model}))
    expression, affect, embedding = analyzer.process(Block(0, 2, crops=crops_of(seen, boxes)))
    assert len(expression) == len(affect) == len(embedding) == len(seen.times)
    assert expression.channel("happy")[0] < 0.3 < 0.8 < expression.channel("happy")[-1]
    assert expression.values[-1].argmax() == EXPRESSIONS.index("happy")
    assert affect.channel("valence")[-1] > affect.channel("valence")[0] + 0.4


def test_persons_keep_their_numbers_when_the_detector_moves_to_another_device(clip, host):
    seen = clip("real/face_silent_track.mp4")
    analyzer = FaceDetector()
    analyzer.prepare(MEDIA, DetectParams(), host())
    pieces = []
    for rows in np.array_split(np.arange(len(seen.times)), 2):
        batch = FrameBatch(seen.times[rows], seen.images[rows])
        pieces += analyzer.process(Block(float(batch.times[0]), float(batch.times[-1]), frames=batch))
        analyzer.move("cpu")
    analyzer.close()
    found = Boxes.concat(pieces)
    assert set(found.person.tolist()) == {1}
    assert found.times.tolist() == seen.times.tolist()
