"""The two grammars, French and English, side by side: words in, agreeing sentences out."""
