"""What the nets are compared with: eGeMAPS functionals and support vector regression.

Eyben et al. 2016 (IEEE Transactions on Affective Computing 7(2), 190-202): 88 functionals of voice parameters,
computed by openSMILE (package `opensmile`, for research; part of the extra `train`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien_plugins.emotion.corpus import RATE, Clip
from mien_plugins.emotion.windows import trim

COUNT = 88
Floats = NDArray[np.float32]


def functionals(clips: Sequence[Clip], cache: Path) -> Floats:
    """The 88 numbers of each clip, without the silence at both ends: (N, 88), kept in the file `cache` (.npz).

    Raises ModuleNotFoundError where openSMILE is not installed.
    """
    forms: dict[str, Form] = {"functionals": ("<f4", (len(clips), COUNT))}
    kept = kept_arrays(cache, forms)
    if kept is not None:
        return kept["functionals"]
    from opensmile import FeatureLevel, FeatureSet, Smile

    smile = Smile(FeatureSet.eGeMAPSv02, FeatureLevel.Functionals)
    rows = [smile.process_signal(trim(clip.samples), RATE).to_numpy()[0] for clip in clips]
    made = np.array(rows, np.float32)
    keep_arrays(cache, {"functionals": made}, forms)
    return made


def regress(train: Floats, label: Floats, test: Floats, cost: float = 1.0) -> Floats:
    """Fit on (N, 88) with (N, 3) labels, predict (M, 88): one regression a label, radial kernel, as scikit-learn has it.

    Functionals are standardised by the training part's mean and deviation; the test part adds nothing.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    fitted = [make_pipeline(StandardScaler(), SVR(C=cost)).fit(train, column) for column in label.T]
    return np.stack([f.predict(test) for f in fitted], axis=1).clip(-1.0, 1.0).astype(np.float32)
