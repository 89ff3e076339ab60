"""From tokens to tokens: search and sampling; from text to text: translation and generation."""
