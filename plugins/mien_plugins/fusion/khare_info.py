"""What the cross-modal transformer of Khare et al. and its late-fusion baseline offer. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from mien.sdk import AnalyzerInfo, Audio, FusionInfo, FusionParams, Params, RecipeInfo, Search, Writes, param

KHARE, BIGRU = "fusion-khare", "fusion-bigru"
RATE: Final = 16_000
FILTERBANK_TRACK: Final = "sound.filterbank"
TRACKS: Final = {"audio": FILTERBANK_TRACK, "video": "face.embedding", "text": "text.embedding"}
"""Modality → the track that it is read from."""

FILTERBANK = AnalyzerInfo(
    id="fusion.filterbank",
    title="Log filterbanks of the sound",
    version="1.0.0",
    description="40 log filterbanks every 10 ms, five stacked: what fusions that read the sound itself need. Only on request.",
    factory="mien_plugins.fusion.khare_audio:FilterbankAnalyzer",
    modality="sound",
    inputs=(Audio(RATE),),
    outputs=(Writes(FILTERBANK_TRACK, "features"),),
    devices=("cpu",),
    default=False,
)


class StreamParams(FusionParams):
    """The grid, which has to be as fine as the sound's vectors, and the window that one reading is made from."""

    hop: float = param(0.05, "spacing of the common time grid", unit="s", ge=0.02, le=10)
    window: float = param(6.0, "stretch that one reading is made from", unit="s", ge=0.5, le=30)
    step: float = param(1.0, "time between readings", unit="s", ge=0.1, le=30)


_READS = "Reads the sound's filterbanks (add the analyzer fusion.filterbank), faces and words; "
_UNTRAINED = " It comes without weights: train it on your own data."
_ACCEPTS = (*TRACKS.values(), "text.offence")

KHARE_FUSION = FusionInfo(
    id="fusion.khare",
    title="Cross-modal transformer (Khare et al.)",
    version="1.0.0",
    description="Video and text projected onto audio by cross-modal attention, weighted sum. "
    f"{_READS}video and text may be missing.{_UNTRAINED}",
    factory="mien_plugins.fusion.khare:KhareFusion",
    params=StreamParams,
    accepts=_ACCEPTS,
    models=(KHARE,),
    trained_by=f"mien train {KHARE}",
)
BIGRU_FUSION = FusionInfo(
    id="fusion.bigru",
    title="Late fusion of bidirectional GRUs (baseline of Khare et al.)",
    version="1.1.0",
    description="A two-layer bidirectional GRU per modality, their last states laid together. "
    f"{_READS}any of them may be missing.{_UNTRAINED}",
    factory="mien_plugins.fusion.khare:BiGruFusion",
    params=StreamParams,
    accepts=_ACCEPTS,
    models=(BIGRU,),
    trained_by=f"mien train {BIGRU}",
)


class StreamTraining(Params):
    """Options of both recipes."""

    labels: str = param(
        "emotion", "Column of classes, or columns of numbers with commas between them (above their lowest value counts)"
    )
    epochs: int = param(40, "Epochs at most", ge=1, le=10_000)
    batch: int = param(16, "Stretches in a batch", ge=1, le=1024)
    rate: float = param(0.0, "Learning rate; 0: the recipe's own schedule", ge=0, le=1)
    layers: int = param(0, "Layers of each encoder; 0: as in the paper", ge=0, le=24)
    width: int = param(0, "Width of the streams; 0: as in the paper", ge=0, le=4096)
    longest: float = param(20.0, "What is longer is cut off", unit="s", ge=0.5, le=120)
    patience: int = param(10, "Epochs without a better value before it stops", ge=1, le=1000)
    inits: int = param(1, "Random starts, of which the best on validation is kept (the paper: 10)", ge=1, le=100)
    moddrop: bool = param(False, "Train for an absent modality: to each stretch, copies with one modality silenced")
    neighbours: int = param(
        0,
        "Impute an absent modality by the mean of so many nearest training stretches (5, 10, 100); 0: zeros",
        ge=0,
        le=1000,
    )


class KhareTraining(StreamTraining):
    """Options of the cross-modal transformer."""

    pretrain: Path | None = param(
        None,
        "Manifest to pre-train on, with texts and speakers; by default the rows of the same manifest that have both",
    )
    pretrain_epochs: int = param(20, "Epochs of pre-training at most; 0: none", ge=0, le=10_000)
    characters: Literal["decoder", "ctc"] = param("decoder", "How characters are read in pre-training")
    warmup: int = param(4000, "Updates over which the learning rate rises", ge=1, le=1_000_000)


_DATA = (
    "a manifest (manifest.csv or .parquet: path, start, end, speaker, split, text, labels); paths name media, or .npz files with "
    "arrays audio, video and text (steps × numbers)"
)
_SEARCH = (
    Search("rate", 1e-5, 1e-2, log=True),
    Search("batch", choices=(8, 16, 32)),
    Search("layers", choices=(1, 2, 4)),
    Search("width", choices=(100, 200, 400)),
)
KHARE_TRAINING = RecipeInfo(
    id=KHARE,
    title="Cross-modal transformer of audio, video and text",
    model=KHARE,
    data=(),
    description=f"Pre-trains by characters and persons, then learns emotions; from {_DATA}.",
    factory="mien_plugins.fusion.khare_recipe",
    params=KhareTraining,
    search=_SEARCH,
)
BIGRU_TRAINING = RecipeInfo(
    id=BIGRU,
    title="Late fusion of bidirectional GRUs",
    model=BIGRU,
    data=(),
    description=f"Learns emotions; from {_DATA}.",
    factory="mien_plugins.fusion.bigru_recipe",
    params=StreamTraining,
    search=_SEARCH,
)
