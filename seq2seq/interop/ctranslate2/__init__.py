"""The copy of a run for CTranslate2: made, verified, checked when it is opened, and used."""
