"""Files on disk: whole or not there, locked, with checksums; JSON lines and safetensors. torch in `tensors` alone."""
