"""Texts and images on white, as PNG or SVG: by Pillow and the standard library, which a command imports in a tenth of
the time of a plotting library. Lengths are in inches, from the top left corner; sizes of letters in points."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

POINTS = 72  # an inch
_DPI = 110
_FRAME, _FRAME_WIDTH = "#b8c0c9", 0.6
_HALF, _BELOW = 0.35, -0.22  # of the size: from a baseline to the middle of letters, and to below their tails
_FONT = "DejaVu Sans"
_WIDE = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Microsoft YaHei", "Yu Gothic")
_FIRST_WIDE = "\u2e80"  # that and later characters are not in the first font
_ANCHORS = {"left": ("l", "start"), "center": ("m", "middle"), "right": ("r", "end")}

Colours = NDArray[np.uint8]  # (rows, columns, 3)


@dataclass(frozen=True)
class _Text:
    """`upwards` turns it to the left, about its place, after it was aligned."""

    x: float
    y: float
    text: str
    points: float
    colour: str
    align: Literal["left", "center", "right"]
    above: bool
    upwards: bool
    bold: bool

    @property
    def drop(self) -> float:
        """From its place down to its baseline, in points."""
        return (_BELOW if self.above else _HALF) * self.points


@dataclass(frozen=True)
class _Image:
    colours: Colours
    left: float
    top: float
    width: float
    height: float
    framed: bool


@dataclass
class Drawing:
    """What is drawn, in this order: images, then texts."""

    width: float
    height: float
    _images: list[_Image] = field(default_factory=list)
    _texts: list[_Text] = field(default_factory=list)

    def image(
        self, colours: Colours, place: tuple[float, float], size: tuple[float, float], *, framed: bool = False
    ) -> None:
        """Draw each colour as a rectangle; together they fill width and height of `size` from `place` on."""
        self._images.append(_Image(colours, *place, *size, framed))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        points: float,
        *,
        colour: str,
        align: Literal["left", "center", "right"] = "left",
        above: bool = False,
        upwards: bool = False,
        bold: bool = False,
    ) -> None:
        """Write one line that is aligned to x; its middle is at y, or it is `above` y."""
        self._texts.append(_Text(x, y, text, points, colour, align, above, upwards, bold))

    def png(self, title: str) -> bytes:
        """As PNG."""
        picture = Image.new("RGB", (round(self.width * _DPI), round(self.height * _DPI)), "white")
        draw = ImageDraw.Draw(picture)
        for image in self._images:
            left, top = round(image.left * _DPI), round(image.top * _DPI)
            size = max(1, round(image.width * _DPI)), max(1, round(image.height * _DPI))
            picture.paste(Image.fromarray(image.colours).resize(size, Image.Resampling.NEAREST), (left, top))
            if image.framed:
                draw.rectangle((left - 1, top - 1, left + size[0], top + size[1]), outline=_FRAME)
        for text in self._texts:
            font, anchor = _font(text.text, text.points, text.bold), _ANCHORS[text.align][0]
            x, y, drop = text.x * _DPI, text.y * _DPI, text.drop * _DPI / POINTS
            if not text.upwards:
                draw.text((x, y + drop), text.text, text.colour, font, f"{anchor}s")
                continue
            half = round(font.getlength(text.text)) + 2  # wide enough on either side of its place
            mask = Image.new("L", (2 * half, 4 * round(font.size)))
            ImageDraw.Draw(mask).text((half, mask.height / 2 + drop), text.text, 255, font, f"{anchor}s")
            turned = mask.transpose(Image.Transpose.ROTATE_90)
            picture.paste(text.colour, (round(x) - turned.width // 2, round(y) - half), turned)
        described = PngImagePlugin.PngInfo()
        described.add_itxt("Title", title)
        return _file(picture, pnginfo=described, dpi=(_DPI, _DPI))

    def svg(self, title: str) -> bytes:
        """As SVG, with its texts as texts."""
        width, height = _points(self.width), _points(self.height)
        root = ElementTree.Element(
            "svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "font-family": _FONT}
        )
        root.attrib |= {"width": f"{width}pt", "height": f"{height}pt"}
        ElementTree.SubElement(root, "title").text = title
        ElementTree.SubElement(root, "rect", {"width": width, "height": height, "fill": "white"})
        for image in self._images:
            lengths = (image.left, image.top, image.width, image.height)
            box = dict(zip(("x", "y", "width", "height"), map(_points, lengths)))
            href = f"data:image/png;base64,{b64encode(_file(Image.fromarray(image.colours))).decode()}"
            as_it_is = {"preserveAspectRatio": "none", "style": "image-rendering: pixelated", "href": href}
            ElementTree.SubElement(root, "image", box | as_it_is)
            if image.framed:
                line = {"fill": "none", "stroke": _FRAME, "stroke-width": f"{_FRAME_WIDTH}"}
                ElementTree.SubElement(root, "rect", box | line)
        for text in self._texts:
            x, y = _points(text.x), _points(text.y)
            place = {"x": x, "y": y, "dy": f"{text.drop:.2f}", "text-anchor": _ANCHORS[text.align][1]}
            place |= {"transform": f"rotate(-90 {x} {y})"} if text.upwards else {}
            look = {"font-size": f"{text.points:.2f}", "fill": text.colour} | (
                {"font-weight": "bold"} if text.bold else {}
            )
            ElementTree.SubElement(root, "text", place | look).text = text.text
        written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return written


def _points(inches: float) -> str:
    return f"{inches * POINTS:.2f}"


def _file(picture: Image.Image, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


@cache
def _font(text: str, points: float, bold: bool) -> ImageFont.FreeTypeFont:
    path = _wide_font() if max(text, default="") >= _FIRST_WIDE else None
    return _loaded(path or _usual_font(bold), points * _DPI / POINTS)


@cache
def _loaded(path: Path, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _usual_font(bold: bool) -> Path:
    from matplotlib import get_data_path

    return Path(get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf")


@cache
def _wide_font() -> Path | None:
    """A font with Chinese, Japanese and Korean letters, where one is installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name: Path(font.fname) for font in fontManager.ttflist}
    return next((installed[name] for name in _WIDE if name in installed), None)
