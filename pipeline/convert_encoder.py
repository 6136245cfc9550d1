"""The mood encoder as OpenVINO's own conversion of the transformers model, in 8 bits by NNCF.

A prototype beside ``quantise_encoder``: nothing serves it. docs/decisions/encoder-graph.md compares the two.
NNCF is not a dependency of Moodfeed; measured with nncf==3.4.0, pydot==4.0.1, tabulate==0.10.0, psutil==7.2.2.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import BertModel

from mood_encoder.quiet_openvino import openvino

CONVERTED = "mood_encoder.xml"
"""The graph; the weights lie beside it, in a file that ends in .bin."""


class _Pooled(torch.nn.Module):
    """A BERT with pooling and normalisation, without a mask: texts share a batch only with texts of as many tokens."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self._bert = bert

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids int64 [texts, tokens]: float32 [texts, dimension] with unit rows."""
        states = self._bert(input_ids=ids).last_hidden_state
        # The mean is the sum but for its length, which the normalisation takes away.
        return torch.nn.functional.normalize(states.sum(dim=1), dim=1)


def converted(bert: BertModel) -> Any:
    """The ``openvino.Model`` of a BERT with full weights: ``ids`` int64 [texts, tokens] to unit rows."""
    example = torch.ones((2, 7), dtype=torch.long)
    sizes = {"ids": dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)}
    # Not convert_model(module, example_input=...): that traces with torch.jit.trace, which torch 2.13 deprecates.
    return openvino.convert_model(torch.export.export(_Pooled(bert), (example,), dynamic_shapes=sizes))


def compressed(model: Any, *, mode: str = "INT8_ASYM", words_too: bool = False, **options: Any) -> Any:
    """The model with its products' weights in 8 bits, one scale a row; with ``words_too`` the word embeddings as well.

    NNCF changes the model that it is given. ``mode`` is a name of nncf.CompressWeightsMode; those of 8-bit integers
    take no group size.
    """
    import nncf  # noqa: PLC0415 - not a dependency

    kept = None if words_too else nncf.IgnoredScope(types=["Gather"], validate=False)
    return nncf.compress_weights(model, mode=nncf.CompressWeightsMode[mode], ignored_scope=kept, **options)


def write_model(model: Any, path: Path) -> None:
    """Write the graph and its weights; the same model gives the same bytes.

    The names that OpenVINO gives count all nodes that the process has made, so they are replaced first.
    """
    for place, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}.{place}")
    openvino.save_model(openvino.Model(model.get_results(), model.get_parameters(), "bert"), path)
