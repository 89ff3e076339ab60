"""From tokens to tokens: search, sampling, engines, and translating text."""
