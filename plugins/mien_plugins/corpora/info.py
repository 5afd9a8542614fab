"""The corpora that Mien can read as they were handed out; nothing is imported from their readers until one is asked for."""

from __future__ import annotations

from mien.sdk import CorpusInfo, Registry, hookimpl

_ROOM = "mien_plugins.corpora"
_ATTRIBUTES = ("valence", "arousal", "dominance")

CORPORA = (
    CorpusInfo(
        id="iemocap",
        title="IEMOCAP",
        expects=(
            "Session1/dialog/EmoEvaluation",
            "Session1/dialog/transcriptions",
            "Session1/sentences/wav",
            "… Session5",
        ),
        labels=("emotion", "iemocap", *_ATTRIBUTES),
        factory=f"{_ROOM}.iemocap:read",
        licence="on request, research",
        citation="Busso et al. 2008",
        description="Ten actors in five sessions of two; emotions, valence, activation and dominance of each turn.",
    ),
    CorpusInfo(
        id="sspnet-conflict",
        title="SSPNet Conflict",
        expects=("conflictlevel.csv", "the clips of audiodata.zip"),
        labels=("conflict",),
        factory=f"{_ROOM}.rated:read_sspnet",
        licence="on request, research",
        citation="Kim et al. 2012",
        description="1,430 clips of 30 s from political debates, rated for conflict.",
    ),
    CorpusInfo(
        id="glasgow-disagreement",
        title="Glasgow Disagreement",
        expects=("metadata.csv", "Audio"),
        labels=("conflict",),
        factory=f"{_ROOM}.rated:read_glasgow",
        licence="as its owners state",
        citation="Glasgow Disagreement Corpus, ICMI 2025",
        description="Conversations rated for disagreement, in folds.",
    ),
    CorpusInfo(
        id="recola",
        title="RECOLA",
        expects=("ratings_gold_standard/{arousal,valence}", "recordings_audio or recordings_video"),
        labels=("arousal", "valence"),
        factory=f"{_ROOM}.traced:read_recola",
        licence="on request, research",
        citation="Ringeval et al. 2013",
        description="Video calls in French; arousal and valence traced 25 times a second (AVEC 2016 or the owners' form).",
    ),
    CorpusInfo(
        id="sewa",
        title="SEWA (AVEC 2017)",
        expects=("labels", "transcriptions", "audio"),
        labels=("arousal", "valence", "liking"),
        factory=f"{_ROOM}.traced:read_sewa",
        licence="on request, research",
        citation="Ringeval et al. 2017",
        description="Video calls in German; arousal, valence and liking traced ten times a second.",
    ),
    CorpusInfo(
        id="cmu-mosi",
        title="CMU-MOSI",
        expects=(
            "Labels/OpinionLevelSentiment.csv",
            "Transcript/Segmented",
            "Audio/WAV_16000/Segmented or Video/Segmented",
        ),
        labels=("sentiment", "valence", "positive"),
        factory=f"{_ROOM}.opinion:read_mosi",
        licence="research",
        citation="Zadeh et al. 2016",
        description="2,199 segments of 93 videos with opinions, rated for sentiment (raw or MMSA's form).",
    ),
    CorpusInfo(
        id="cmu-mosei",
        title="CMU-MOSEI",
        expects=(
            "CMU_MOSEI_Labels.csv",
            "Audio/Full/WAV_16000 or Videos/Full/Combined",
            "Transcript/Segmented/Combined",
        ),
        labels=("sentiment", "valence", "positive", "angry", "disgust", "fear", "happy", "sad", "surprise"),
        factory=f"{_ROOM}.opinion:read_mosei",
        licence="research",
        citation="Zadeh et al. 2018",
        description="Segments of 3,228 videos with opinions, rated for sentiment and six emotions (raw or MMSA's form).",
    ),
    CorpusInfo(
        id="hate-clips",
        title="Clips with and without hate (HSDVD-like)",
        expects=(
            "hate and no_hate, or labels.csv",
            "transcripts.csv or .txt beside the clips",
            "speakers.csv (optional)",
        ),
        labels=("hate",),
        factory=f"{_ROOM}.hate:read",
        licence="your own",
        citation="Rana & Jha 2022; Das et al. 2023 (HateMM)",
        description="Clips in a folder for each class, or in a table, with what is said.",
    ),
    CorpusInfo(
        id="olid",
        title="OffensEval 2019 (OLID)",
        expects=("olid-training-v1.0.tsv", "testset-levela.tsv", "labels-levela.csv"),
        labels=("offence", "targeted", "target"),
        factory=f"{_ROOM}.tweets:read_olid",
        licence="cite its authors",
        citation="Zampieri et al. 2019",
        description="14,100 tweets: offensive or not, targeted or not, at whom.",
    ),
    CorpusInfo(
        id="davidson",
        title="Davidson et al. 2017",
        expects=("labeled_data.csv",),
        labels=("offence", "hate", "kind"),
        factory=f"{_ROOM}.tweets:read_davidson",
        licence="MIT",
        citation="Davidson et al. 2017",
        description="24,783 tweets: hate, offensive, neither.",
    ),
    CorpusInfo(
        id="waseem-hovy",
        title="Waseem & Hovy 2016",
        expects=("labeled_data_all.csv",),
        labels=("hate", "kind"),
        factory=f"{_ROOM}.tweets:read_waseem",
        licence="as its authors state",
        citation="Waseem & Hovy 2016",
        description="Tweets: racism, sexism, neither.",
    ),
    CorpusInfo(
        id="ravdess",
        title="RAVDESS",
        expects=("Actor_01 … Actor_24",),
        labels=("emotion", "acted"),
        factory=f"{_ROOM}.acted:read_ravdess",
        licence="CC BY-NC-SA 4.0",
        citation="Livingstone & Russo 2018",
        description="24 actors, two sentences, eight emotions.",
    ),
    CorpusInfo(
        id="emodb",
        title="EmoDB",
        expects=("wav",),
        labels=("emotion", "acted"),
        factory=f"{_ROOM}.acted:read_emodb",
        licence="free for use",
        citation="Burkhardt et al. 2005",
        description="Ten actors, ten German sentences, seven emotions.",
    ),
    CorpusInfo(
        id="fer2013",
        title="FER2013 as pictures",
        expects=("train/<emotion>", "test/<emotion>"),
        labels=("emotion",),
        factory=f"{_ROOM}.acted:read_fer",
        licence="research",
        citation="Goodfellow et al. 2013",
        description="35,887 grey pictures of faces in seven emotions.",
    ),
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the corpora."""
    for info in CORPORA:
        registry.corpus(info)
