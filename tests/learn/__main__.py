"""Writes the document of the lecture's notes and its pictures, from the notes themselves, in minutes: of all notes, or
of those that are named."""

import os
import sys

os.environ.pop("SEQX_DATA", None)  # the page is of text that everybody has

from seq2seq.learn.catalogue import NOTES, lesson, named
from seq2seq.learn.pictures import drawn
from tests.support import lecture

if "--help" in sys.argv:
    sys.exit(f"{__doc__}\n\npython -m tests.learn [NAME...]")
written = lecture.parts(lecture.PAGE.read_text(encoding="utf-8")) if sys.argv[1:] else {}
for note in [named(name) for name in sys.argv[1:]] or NOTES:
    made = lesson(note)
    lecture.picture(note).write_bytes(lecture.small(drawn(made.figure, "png")))
    written[note.name] = lecture.section(note, made)
    page = lecture.page([written[each.name] for each in NOTES if each.name in written])
    lecture.PAGE.write_text(page, encoding="utf-8")
