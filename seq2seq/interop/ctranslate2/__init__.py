"""The copy of a run for CTranslate2: converted, verified, checked when it is opened, and used."""
