"""Attention of one query a history to the items of that history, with its padding or without."""

import torch
from torch import Tensor


def attend_padded(queries: Tensor, keys_values: Tensor, places: Tensor, is_item: Tensor) -> Tensor:
    """Attention of each ``queries`` [batch, heads, head width] to the items of its history: [batch, width].

    ``keys_values`` [items, 2 width] are in order of owner; ``places`` [items] are the items in ``is_item``
    [batch, 1 + length], flattened.
    """
    batch, items = is_item.shape
    heads = queries.shape[1]
    padded = keys_values.new_zeros(batch * items, keys_values.shape[1]).index_copy(0, places, keys_values)
    keys, values = padded.view(batch, items, 2, heads, -1).unbind(dim=2)  # [batch, items, heads, head width]
    closeness = torch.einsum("bhw,bihw->bhi", queries, keys) / queries.shape[-1] ** 0.5
    attention = closeness.masked_fill(~is_item.unsqueeze(1), float("-inf")).softmax(dim=-1)
    return torch.einsum("bhi,bihw->bhw", attention, values).flatten(1)


def attend_packed(queries: Tensor, keys_values: Tensor, places: Tensor, is_item: Tensor) -> Tensor:
    """What ``attend_padded`` gives, but for rounding; only the closeness of the items is padded, a number a head."""
    batch, items = is_item.shape
    heads = queries.shape[1]
    keys, values = keys_values.view(len(places), 2, heads, -1).unbind(dim=1)  # [items, heads, head width]
    owners = torch.div(places, items, rounding_mode="floor")
    asked = queries.flatten(1).index_select(0, owners).view_as(keys)
    closeness = (asked * keys).sum(dim=-1) / queries.shape[-1] ** 0.5  # [items, heads]
    padded = closeness.new_full((batch * items, heads), float("-inf")).index_copy(0, places, closeness)
    attention = padded.view(batch, items, heads).softmax(dim=1).flatten(0, 1).index_select(0, places)
    weighted = (attention.unsqueeze(-1) * values).flatten(1)  # [items, width]
    sums: Tensor = weighted.new_zeros(batch, weighted.shape[1]).index_add(0, owners, weighted)
    return sums
