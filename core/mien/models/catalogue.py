"""Larger public models that Mien can use when the user fetches them; none is needed. Imports nothing heavy.

Revisions are commits of the Hugging Face repository; hashes are those its Git LFS pointers record. Where a hash is not
known for sure there is none: the model is held to what the hub states, if the user agrees to that (`mien.models.hub`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_WHISPER_FILES = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "normalizer.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "model.safetensors",
)


@dataclass(frozen=True)
class Entry:
    """One public model.

    Args:
        id: under which plugins ask the store for it.
        task: what it does, in a few words.
        licence: SPDX id, as the model's own page declares it.
        repo: repository on the Hugging Face hub.
        revision: the commit that is fetched; None when none is pinned.
        branch: what the hub is asked for where that is neither the revision nor "main".
        files: what is fetched of it.
        needed: what it cannot be read without, besides its weights; of the other `files` not every size of a family has each.
        sha256: file name → hash of the weights, checked after fetching.
        size: bytes of the weights.
        obstacle: why it cannot be fetched, with what to do; empty when it can.
        consent: what of its licence the user must agree to before it is installed; empty when nothing is unusual.
    """

    id: str
    title: str
    task: str
    licence: str
    repo: str
    revision: str | None
    files: tuple[str, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    languages: str = ""
    obstacle: str = ""
    consent: str = ""
    needed: tuple[str, ...] = ()
    branch: str = ""

    @property
    def unpinned(self) -> bool:
        """Whether it can be fetched, but the catalogue lacks the commit or the weights' hash to hold it to."""
        return not self.obstacle and not (self.revision and self.sha256)

    @property
    def page(self) -> str:
        """Where people read about it."""
        return f"https://huggingface.co/{self.repo}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return asdict(self) | {"page": self.page}


def _whisper(name: str, licence: str, revision: str, size: int, sha256: str) -> Entry:
    return Entry(
        id=f"whisper-{name}",
        title=f"Whisper {name}",
        task="speech recognition",
        licence=licence,
        repo=f"openai/whisper-{name}",
        revision=revision,
        files=_WHISPER_FILES,
        needed=("config.json", "preprocessor_config.json", "tokenizer.json"),
        sha256={"model.safetensors": sha256},
        size=size,
        languages="99 languages",
    )


_PICKLES = (
    "its weights are published only as pickles, which Mien never opens; convert them to safetensors on a machine you "
    "trust (docs/models.md) and import the folder"
)
_ROBERTA_FILES = (
    "config.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "model.safetensors",
)

ENTRIES: Final = (
    _whisper(
        "tiny",
        "Apache-2.0",
        "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
        151_061_672,
        "7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395",
    ),
    _whisper(
        "base",
        "Apache-2.0",
        "e37978b90ca9030d5170a5c07aadb050351a65bb",
        290_403_936,
        "07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b",
    ),
    _whisper(
        "small",
        "Apache-2.0",
        "973afd24965f72e36ca33b3055d56a652f456b4d",
        966_995_080,
        "1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b",
    ),
    _whisper(
        "medium",
        "Apache-2.0",
        "abdf7c39ab9d0397620ccaea8974cc764cd0953e",
        3_055_544_304,
        "62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28",
    ),
    _whisper(
        "large-v3-turbo",
        "MIT",
        "41f01f3fe87f28c78e2fbf8b568835947dd65ed9",
        1_617_824_864,
        "542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1",
    ),
    Entry(
        id="speechbrain-asr-crdnn",
        title="SpeechBrain CRDNN with RNN language model (LibriSpeech)",
        task="speech recognition",
        licence="Apache-2.0",
        repo="speechbrain/asr-crdnn-rnnlm-librispeech",
        revision=None,
        files=(),
        languages="English",
        obstacle=_PICKLES,
        needed=("config.json",),
    ),
    Entry(
        id="speechbrain-asr-conformer",
        title="SpeechBrain Conformer (LibriSpeech)",
        task="speech recognition",
        licence="Apache-2.0",
        repo="speechbrain/asr-conformer-transformerlm-librispeech",
        revision="bc257e21b5f160d243a6db4ac1861b9db5ca5a31",
        files=(),
        languages="English",
        obstacle=_PICKLES,
        needed=("config.json",),
    ),
    Entry(
        id="ecapa-voxceleb",
        title="SpeechBrain ECAPA-TDNN (VoxCeleb)",
        task="speaker embeddings, to tell who speaks (--plugins speech.speakers)",
        licence="Apache-2.0",
        repo="speechbrain/spkrec-ecapa-voxceleb",
        revision="0f99f2d0ebe89ac095bcc5903c4dd8f72b367286",
        files=(),
        obstacle=_PICKLES,
    ),
    Entry(
        id="wav2vec2-emotion-dim",
        title="wav2vec 2.0 large robust, 12 layers, MSP-Podcast (audEERING)",
        task="arousal, dominance and valence of speech (--set emotion.model=wav2vec2)",
        licence="CC-BY-NC-SA-4.0",
        repo="audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
        revision=None,
        files=("config.json", "preprocessor_config.json", "model.safetensors"),
        languages="English",
        consent="it may not be used commercially, and what is derived from it must stay under the same licence",
        needed=("config.json", "preprocessor_config.json"),
    ),
    Entry(
        id="roberta-offensive",
        title="Twitter-RoBERTa, offensive language (Cardiff NLP, TweetEval)",
        task="offensive language in text (--set text.offence_by=roberta)",
        licence="not stated by its authors",
        repo="cardiffnlp/twitter-roberta-base-offensive",
        revision=None,
        branch="refs/pr/1",  # main has pickles only; this is what the hub's own converter made of them
        files=_ROBERTA_FILES,
        languages="English",
        consent="its page names no licence, so that what you may do with it is for you to find out",
        needed=("config.json",),
    ),
    Entry(
        id="roberta-hate",
        title="Twitter-RoBERTa, hate speech (Cardiff NLP, 13 corpora)",
        task="hate speech in text (--set text.hate_by=roberta)",
        licence="CC-BY-4.0",
        repo="cardiffnlp/twitter-roberta-base-hate-latest",
        revision="cc56585908cbda6d04ba2e1234d911fd1578c9ab",
        branch="refs/pr/6",  # as above, of the weights of July 2023
        files=_ROBERTA_FILES,
        languages="English",
        needed=("config.json",),
    ),
    Entry(
        id="yunet",
        title="YuNet (OpenCV model zoo, March 2023)",
        task="face detection with landmarks",
        licence="MIT",
        repo="opencv/face_detection_yunet",
        revision="3cc26e7f1014a5ee5d74a42acee58bafc9d0a310",
        files=("face_detection_yunet_2023mar.onnx",),
        sha256={
            "face_detection_yunet_2023mar.onnx": ("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4")
        },
        size=232_589,
    ),
)


def entry(model_id: str) -> Entry | None:
    """The catalogue's entry of that id, None when there is none."""
    return next((known for known in ENTRIES if known.id == model_id), None)
