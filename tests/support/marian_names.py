"""The weights of our layers, as Hugging Face's Marian and M2M100 name them."""

from __future__ import annotations

LAYER = {
    "self_attn.out_proj": "attention.output",
    "self_attn_layer_norm": "attention_residual.norm",
    "encoder_attn.q_proj": "cross_attention.query",
    "encoder_attn.out_proj": "cross_attention.output",
    "encoder_attn_layer_norm": "cross_attention_residual.norm",
    "fc1": "feed_forward.inner",
    "fc2": "feed_forward.outer",
    "final_layer_norm": "feed_forward_residual.norm",
}
PACKED = {
    "attention.query_key_value": [f"self_attn.{part}_proj" for part in "qkv"],
    "cross_attention.key_value": [f"encoder_attn.{part}_proj" for part in "kv"],
}
