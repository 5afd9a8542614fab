"""The attention fusions as plugins: five strategies with an LSTM over time, three with statistical pooling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.errors import ModelError
from mien.models.size import bounded
from mien.tracks.quantity import Quantity
from mien_plugins.fusion.hostile import measures, scored
from mien_plugins.fusion.pooled import PooledConfig, PooledNet, WholeNet
from mien_plugins.fusion.scaling import SubsetScaling
from mien_plugins.fusion.sequence import SequenceConfig, SequenceNet
from mien_plugins.fusion.timed import TimedNet
from mien_plugins.fusion.trained import TrainedFusion


def build(config: Mapping[str, Any]) -> TimedNet:
    """The net of a `fusion-attention` model from its configuration.

    Raises:
        KeyError, TypeError, ValueError: a setting is missing, or cannot be.
    """
    fields = dict(config["net"])
    classes = list(config["classes"])
    places = tuple(fields["hostile"]) or (_scored(config) if classes else ())
    if len(classes) != fields["classes"] or not all(0 <= at < len(classes) for at in places):
        raise ValueError(f"it tells {fields['classes']} classes apart, and {len(classes)} are named")
    fields["hostile"] = places
    scaling = SubsetScaling.read(config, fields["modalities"], len(classes))
    if config["family"] == "sequence":
        return bounded(lambda: SequenceNet(SequenceConfig.from_dict(fields), scaling))
    if config["family"] not in ("pooled", "whole"):
        raise ValueError(f"there is no family {config['family']!r} of nets")
    kind = WholeNet if config["family"] == "whole" else PooledNet
    return bounded(lambda: kind(PooledConfig.from_dict(fields), scaling))


def _scored(config: Mapping[str, Any]) -> tuple[int, ...]:
    return scored(config["classes"], str(config.get("label", "")))


AROUSED = Quantity("aroused", "", 0.0, 1.0, "calm", "excited")
"""Arousal as a score: from 0, the lowest, to 1."""


class AttentionFusion(TrainedFusion):
    """One of them; the model's configuration says which."""

    def build(self, config: Mapping[str, Any]) -> TimedNet:
        """See `build`; raises ModelError for a net that was trained on features which no analyzer makes."""
        if not config.get("runs", True):
            raise ModelError(
                f"The model {self.model} was trained on features of your own, which Mien does not make of media: it can be "
                "measured with 'mien evaluate', and runs when it is trained on a manifest that names media."
            )
        return build(config)

    def quantity(self, config: Mapping[str, Any]) -> Quantity:
        """Hostility, unless the classes of the score are a user's own and speak of something else; without any, arousal."""
        if not config["classes"]:
            return AROUSED
        return measures(
            tuple(config["net"]["hostile"]) or _scored(config), config["classes"], str(config.get("label", ""))
        )


class ConcatFusion(AttentionFusion):
    """Concatenation."""

    model = "fusion-concat"


class SelfFusion(AttentionFusion):
    """Self-attention."""

    model = "fusion-self"


class ResidualFusion(AttentionFusion):
    """Residual self-attention."""

    model = "fusion-residual"


class HierarchicalFusion(AttentionFusion):
    """Hierarchical attention."""

    model = "fusion-hierarchical"


class CrossModalFusion(AttentionFusion):
    """Cross-modal hierarchical self-attention."""

    model = "fusion-crossmodal"


class IntraFusion(AttentionFusion):
    """Intra-modal attention with statistical pooling."""

    model = "fusion-intra"


class CrossFusion(AttentionFusion):
    """Cross-modal attention with statistical pooling."""

    model = "fusion-cross"


class IntraCrossFusion(AttentionFusion):
    """Both."""

    model = "fusion-intra-cross"


class OwnFusion(AttentionFusion):
    """Any of them, as it was trained on a user's own data."""

    model = "fusion-own"
