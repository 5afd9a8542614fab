"""The papers' tables whose data is closed, each with the reason and the command for whoever has the data."""

from __future__ import annotations

from mien.sdk import TableInfo

_SIX = "labels=angry,disgust,fear,happy,sad,surprise"
_MANIFEST = "mien manifest {corpus} FOLDER{more} --out DIR/manifest.csv, then "
_IEMOCAP = (
    "IEMOCAP is given out on application only, and the prepared features of the thesis under a licence of their own."
)
_RECOLA = "RECOLA is given out on request only; the layout of its feature tables was not checked against a copy."
_HSDVD = "HSDVD, the paper's videos, was never released."
_SEWA = (
    "SEWA (AVEC 2017) is given out under an agreement only. Its words are German: `text-004` reads them by a file of German "
    "word vectors (`--set vectors=`), by default by an English model. The face net reads single pictures, without the paper's "
    "LSTM; the fusions read embeddings of Mien's own models, where the paper trains its nets along. The other rows of fusions "
    "are `strategy=concat`, `self`, `residual` and `hierarchical`."
)
_MOSEI = (
    "The recordings of CMU-MOSEI, and VoxCeleb2's for the pre-training, are given out on registration only; public are MOSEI's "
    "labels and splits. The rows that were pre-trained need a manifest with texts and speakers: `pretrain=FILE` instead of "
    "`pretrain_epochs=0`. The card has each subset of modalities."
)


def _closed(table: str, title: str, why: str, command: str = "", corpus: str = "", more: str = "") -> TableInfo:
    first = _MANIFEST.format(corpus=corpus, more=f" {more}" if more else "") if corpus else ""
    return TableInfo(id=table, title=title, closed=why, command=first + command)


def _train(recipe: str, *settings: str) -> str:
    return " ".join([f"mien train {recipe} --data DIR --out MODEL", *(f"--set {setting}" for setting in settings)])


CLOSED = (
    _closed(
        "thesis-3.1",
        "Thesis Table 3.1: ConflictNET and its ablations on SSPNet Conflict (PCC, UAR, WAR)",
        "SSPNet Conflict is given out on request only.",
        _train("conflictnet-rated", "start=scratch", "variant=paranet"),
    ),
    _closed(
        "thesis-4.1",
        "Thesis Tables 4.1 – 4.5: intra- and cross-modal attention on IEMOCAP, with Moddrop and imputation (accuracy)",
        f"{_IEMOCAP} From media the embeddings of Mien's own models are read; a manifest of `.npz` files with the "
        "thesis' features gives its own nets. Each card has Table 4.4 (every subset of modalities); 4.5 is `moddrop=single`.",
        _train("fusion-attention", "strategy=intra", "label=iemocap", "moddrop=off"),
        "iemocap",
        "--media video",
    ),
    _closed(
        "thesis-5.1",
        "Thesis Tables 5.1 – 5.3: SEW on RECOLA, unimodal and with each loss left out (CCC)",
        _RECOLA,
        _train("sew", "weak=geometric", "strong=audio", "target=arousal"),
    ),
    _closed(
        "thesis-5.5",
        "Thesis Table 5.5: unimodal nets on RECOLA (CCC)",
        _RECOLA,
        _train("seqsew", "corpus=recola", "weak=audio", "strong=none"),
    ),
    _closed(
        "thesis-5.7",
        "Thesis Tables 5.7 – 5.9: SeqSEW on RECOLA, development and test (CCC)",
        f"{_RECOLA} The ratings of its test part were never published.",
        _train("seqsew", "corpus=recola", "weak=geometric", "strong=audio"),
    ),
    _closed(
        "hsdvd-000",
        "Rana & Jha 2022 Tables II and VI: text alone and MML on HSDVD (P, R, F1)",
        f"{_HSDVD} Whoever has clips of their own in its layout can train MML on them. On OLID alone see `olid-000`.",
        _train("fusion-mml", "label=hate", "moddrop=false"),
        "hate-clips",
        "--media video",
    ),
    _closed(
        "iemocap-000",
        "Rana & Jha 2022 Table IV: attributes of speech on IEMOCAP (RMSE)",
        "IEMOCAP is given out on application only. The paper's f1 errors exceed the labels' own deviation; the card has them on "
        "the paper's scale, beside those of a constant. The other row is `net=f2`.",
        _train("emotion-mtl", "net=f1"),
        "iemocap",
    ),
    _closed(
        "mosei-001",
        "Khare et al. 2020 Tables 1 – 3: cross-modal transformer on CMU-MOSEI (WA, F1)",
        _MOSEI,
        f"{_train('fusion-khare', _SIX, 'pretrain_epochs=0')} and, for the late fusion, {_train('fusion-bigru', _SIX)}",
        "cmu-mosei",
        "--media video",
    ),
    _closed(
        "clips-003",
        "Multi-modal hate speech detection (003): seven classifiers and their vote (P, R, F1)",
        "The paper's clips were never released.",
        _train("classical-vote", "label=hate"),
        "hate-clips",
    ),
    _closed(
        "sewa-004",
        "Tzirakis et al. 2021 Tables 2 – 8: text, audio, video and their fusions on SEWA (CCC)",
        _SEWA,
        f"{_train('voice-004')}, {_train('text-004')}, {_train('face-affect')}, and "
        f"{_train('fusion-attention', 'strategy=crossmodal')}",
        "sewa",
        "--media video",
    ),
)
