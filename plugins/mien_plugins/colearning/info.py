"""What this room offers the registry; nothing is imported from it until it runs."""

from __future__ import annotations

from typing import Literal

from mien.sdk import Params, RecipeInfo, Registry, Search, TableInfo, hookimpl, param
from mien_plugins.colearning.closed import CLOSED

_MOSI = ("mosi",)


class SeqSewTraining(Params):
    """Options of SeqSEW."""

    corpus: Literal["mosi", "recola", "manifest"] = param(
        "mosi", "CMU-MOSI, RECOLA (AVEC 2016's feature tables), or the manifest.csv that lies in --data instead"
    )
    weak: str = param(
        "acoustic",
        "modality that the model reads: acoustic, visual (mosi); audio, … (recola); text, voice, face (manifest)",
    )
    strong: str = param("text", "modality that teaches it, or none")
    target: str = param(
        "arousal", "what is read: arousal or valence (recola), a column of numbers or two classes (manifest)"
    )
    kind: Literal["dense", "gru", "transformer"] = param("transformer", "encoder of the model")
    alpha: float | None = param(
        None,
        "weight of the correlation with the teacher; 0 leaves it out (default: what was searched on MOSI)",
        ge=0,
        le=10,
    )
    beta: float | None = param(
        None, "weight of the decoder; 0 leaves it out (default: what was searched on MOSI)", ge=0, le=10
    )
    dropout: float = param(0.3, "in the transformer layers", ge=0, le=0.9)
    rounds: int = param(0, "of each training; 0 for the recipe's own number", ge=0, le=10_000)


SEQSEW = RecipeInfo(
    id="seqsew",
    title="A strong modality teaches a weak one, over time (SeqSEW)",
    model="seqsew",
    data=(),
    description="Learns from CMU-MOSI's utterance features or RECOLA's feature tables, whichever is chosen and lies in --data, "
    "or from rows over time in the manifest.csv there, of media or of one's own features.",
    factory="mien_plugins.colearning.recipe",
    params=SeqSewTraining,
    search=(
        Search("alpha", 1e-3, 1.0, log=True),
        Search("beta", 1e-3, 1.0, log=True),
        Search("dropout", 0.2, 0.7),
    ),
)


class SewTraining(Params):
    """Options of SEW."""

    weak: str = param(
        "geometric", "modality that the model reads: audio, appearance, geometric; text, voice, face (manifest)"
    )
    strong: str = param("audio", "modality that teaches it")
    target: str = param("arousal", "what is read: arousal or valence (recola), a column of numbers (manifest)")
    alpha: float = param(1.0, "weight of the strong features from the weak latent", ge=0, le=100)
    beta: float = param(1.0, "weight of the strong features from the strong latent", ge=0, le=100)
    gamma: float = param(1.0, "weight of the correlation of the latents", ge=0, le=100)
    cca_batch: int = param(32, "frames that the correlation is taken over", ge=2, le=100_000)
    rounds: int = param(0, "at most; 0 for the recipe's own number", ge=0, le=10_000)
    delay: float = param(0.0, "by which the ratings lag", unit="s", ge=0, le=10)


SEW = RecipeInfo(
    id="sew",
    title="A strong modality teaches a weak one, frame by frame (SEW)",
    model="sew",
    data=("recola or manifest.csv or manifest.parquet",),
    description="Learns from RECOLA's feature tables as AVEC 2016 hands them out, or from rows over time in the manifest.csv in "
    "--data, of media or of one's own features.",
    factory="mien_plugins.colearning.sew_recipe",
    params=SewTraining,
    search=(
        Search("alpha", 1e-2, 1e1, log=True),
        Search("beta", 1e-2, 1e1, log=True),
        Search("gamma", 1e-2, 1e1, log=True),
        Search("cca_batch", choices=(32, 256, 1024)),
    ),
)

UNIMODAL = TableInfo(
    id="mosi-5.4",
    title="Thesis (Rajan 2022) Table 5.4: one modality of CMU-MOSI",
    description="Sentiment of each utterance from one modality: the classifier alone, with a bi-GRU, with transformer layers.",
    data=_MOSI,
    factory="mien_plugins.colearning.table_unimodal",
)
TAUGHT = TableInfo(
    id="mosi-5.6",
    title="Thesis (Rajan 2022) Table 5.6: SeqSEW on CMU-MOSI",
    description="Text teaches the visual or the acoustic modality, which then is read alone; with each loss left out.",
    data=_MOSI,
    factory="mien_plugins.colearning.table_seqsew",
)


FUSIONS = TableInfo(
    id="fusion-mosi",
    title="Fusions on CMU-MOSI: concatenation against attention, with and without Moddrop, with modalities missing",
    description="Sentiment of each utterance from text, sound and picture, trained on all, used with every subset of them.",
    data=_MOSI,
    factory="mien_plugins.colearning.table_fusion",
)

OLID = TableInfo(
    id="olid-000",
    title="Rana & Jha 2022 Table II: BERT's recipe on OLID, with the small encoder",
    description="Offensive or not, for each tweet; the encoder is the one of `mien train text-offence` (`--set encoder=DIR`).",
    data=("text/olid",),
    factory="mien_plugins.colearning.table_olid",
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the co-learning recipes and the tables that can be made again."""
    registry.recipe(SEQSEW)
    registry.recipe(SEW)
    for table in (UNIMODAL, TAUGHT, FUSIONS, OLID, *CLOSED):
        registry.table(table)
