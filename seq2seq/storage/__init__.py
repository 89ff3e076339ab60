"""Files on disk: atomic, locked, with checksums; JSON lines and safetensors. Only `tensors` imports torch."""
