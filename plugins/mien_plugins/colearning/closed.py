"""The papers' tables whose data is closed, each with the reason and the command for whoever has the data."""

from __future__ import annotations

from mien.sdk import TableInfo

_RECOLA = "RECOLA is given out on request only."

CLOSED = (
    TableInfo(
        id="thesis-5.1",
        title="Thesis Tables 5.1 – 5.3: SEW on RECOLA, unimodal and with each loss left out (CCC)",
        closed=_RECOLA,
        command="mien train sew --data DIR --out MODEL --set weak=geometric --set strong=audio --set target=arousal",
    ),
    TableInfo(
        id="thesis-5.5",
        title="Thesis Table 5.5: unimodal nets on RECOLA (CCC)",
        closed=_RECOLA,
        command="mien train seqsew --data DIR --out MODEL --set corpus=recola --set weak=audio --set strong=none",
    ),
    TableInfo(
        id="thesis-5.7",
        title="Thesis Tables 5.7 – 5.9: SeqSEW on RECOLA, development and test (CCC)",
        closed=f"{_RECOLA} The ratings of its test part were never published.",
        command="mien train seqsew --data DIR --out MODEL --set corpus=recola --set weak=geometric --set strong=audio",
    ),
)
