"""Offence or hate by a RoBERTa classifier that the user installed: Cardiff NLP's of TweetEval (Barbieri et al. 2020) and
of thirteen hate corpora (Antypas & Camacho-Collados 2023), or any other of their form.

Only the weights are another's: loading opens no network, reads safetensors and runs no code from the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import PUBLIC, bounded

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_STRIDE = 16


class RobertaClassifier:
    """A classifier into two classes, of which the second is what it looks for, with its tokenizer, on one device."""

    def __init__(self, net: Any, tokenizer: Any, device: str = "cpu", precision: str = "float32") -> None:
        self.net = net.to(device=torch.device(device), dtype=_DTYPES[precision]).eval().requires_grad_(False)
        self.tokenizer, self.device = tokenizer, torch.device(device)
        # RoBERTa counts positions from the padding's id on: two of them hold no token.
        self.limit = int(net.config.max_position_embeddings) - 2

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", precision: str = "float32") -> RobertaClassifier:
        """Read config.json, model.safetensors and the tokenizer's files.

        Raises:
            ModelError: a file is missing or damaged, or it is no classifier into two classes.
        """
        from transformers import RobertaForSequenceClassification, RobertaTokenizer

        try:
            loaded: Any = bounded(
                lambda: RobertaForSequenceClassification.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
                ),
                PUBLIC,
            )
            net, told = loaded
            tokenizer = RobertaTokenizer.from_pretrained(folder, local_files_only=True)
        except (*UNREADABLE, StrictDataclassError) as error:
            raise ModelError(
                f"The RoBERTa model cannot be loaded ({reason(error)}); import it again: {folder}"
            ) from error
        # What a file lacks would stay random: an encoder alone, without its classifier, must not read anything.
        if missing := sorted(told["missing_keys"]):
            raise ModelError(
                f"The RoBERTa model lacks {len(missing)} tensors, such as {missing[0]}; get it anew: {folder}"
            )
        if net.config.num_labels != 2:
            raise ModelError(f"The RoBERTa model tells {net.config.num_labels} classes apart, not two: {folder}")
        return cls(net, tokenizer, device, precision)

    def to(self, device: str) -> RobertaClassifier:
        """The same on another device, in float32."""
        return RobertaClassifier(self.net, self.tokenizer, device)

    def read(
        self,
        texts: Sequence[str],
        *,
        limit: int = 128,
        max_batch_tokens: int = 4096,
        check: Callable[[], None] | None = None,
    ) -> NDArray[np.float32]:
        """P(second class) (N,) of cleaned texts, as the classifier gives it: softmax, not calibrated here.

        Args:
            texts: N texts.
            limit: longest window in tokens; a longer text counts as the window where that is highest.
            max_batch_tokens: tokens of a batch, padding included.
            check: called before each batch; may raise to stop.
        """
        if not texts:
            return np.zeros(0, np.float32)
        limit = min(limit, self.limit)
        cut = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=limit,
            stride=min(_STRIDE, limit // 4),
            return_overflowing_tokens=True,
        )
        ids, owner = cut["input_ids"], np.asarray(cut["overflow_to_sample_mapping"])
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        found = np.zeros(len(texts), np.float32)
        while order:
            # Windows of like length go together; the longest of those taken sets the width.
            count = 1
            while count < len(order) and (count + 1) * len(ids[order[count]]) <= max_batch_tokens:
                count += 1
            rows, order = order[:count], order[count:]
            if check is not None:
                check()
            np.maximum.at(found, owner[rows], self._run([ids[i] for i in rows]))
        return found

    @torch.inference_mode()
    def _run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        grid = torch.full((len(ids), max(map(len, ids))), int(self.tokenizer.pad_token_id))
        mask = torch.zeros_like(grid)
        for row, own in enumerate(ids):
            grid[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        logits = self.net(input_ids=grid.to(self.device), attention_mask=mask.to(self.device)).logits
        return np.asarray(logits.float().softmax(1)[:, 1].cpu().numpy(), np.float32)
