"""What a device, and a training on it, take: measured before it is spent."""
