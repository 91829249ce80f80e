"""Parts of a page: every class has its macro, and what is text in them stays text."""

from __future__ import annotations

import dataclasses

import pytest
from markupsafe import Markup

from dlrsd.training.report import parts
from dlrsd.training.report.rendering import render_page

HOSTILE = "<script>a & 'b'</script>{{ 7 * 7 }}"
SVG = Markup("<svg><path/></svg>")
ONE_OF_EACH = [
    parts.Title(HOSTILE),
    parts.Heading(HOSTILE),
    parts.Paragraph([parts.Span(HOSTILE), parts.Span(HOSTILE, "b"), parts.Span(HOSTILE, "code")]),
    parts.Note(HOSTILE),
    parts.Bullets([HOSTILE]),
    parts.Command(HOSTILE),
    parts.Picture(SVG),
    parts.Table([HOSTILE], [[HOSTILE, HOSTILE]], caption=HOSTILE, looks=["total"]),
    parts.Definitions([(HOSTILE, HOSTILE)]),
    parts.Gallery([parts.Card(HOSTILE, [SVG])]),
    parts.Folded(HOSTILE, [parts.Note(HOSTILE)]),
    parts.Section(HOSTILE, [parts.Note(HOSTILE)]),
    parts.Verdict(HOSTILE, HOSTILE, [HOSTILE], [HOSTILE], [parts.Tile(HOSTILE, HOSTILE)]),
]


def test_every_kind_of_part_is_tested_here():
    assert {type(part) for part in ONE_OF_EACH} == set(parts.Part.__subclasses__())


@pytest.mark.parametrize("part", ONE_OF_EACH, ids=lambda part: type(part).__name__)
def test_text_is_text_and_a_picture_is_markup(part, html_of):
    html = html_of(part)
    assert "<script" not in html
    texts = str(part).count("<script")
    assert html.count("&lt;script&gt;a &amp; &#39;b&#39;&lt;/script&gt;{{ 7 * 7 }}") == texts
    assert html.count("<svg><path/></svg>") == str(part).count("<svg><path/></svg>")


def test_bold_and_code_are_tags_and_looks_are_classes(html_of):
    html = html_of(ONE_OF_EACH[2])
    assert html.count("<b>") == html.count("</b>") == 1
    assert html.count("<code>") == html.count("</code>") == 1
    table = parts.Table(["a", "b"], [["x", "1"], ["y", "2"]], looks=["total"], look="facts")
    html = html_of(table)
    assert '<table class="facts">' in html
    assert '<tr class="total"><th scope="row">x</th><td>1</td></tr>' in html
    assert '<tr><th scope="row">y</th><td>2</td></tr>' in html


def test_a_text_that_is_no_markup_cannot_pose_as_a_picture(html_of):
    html = html_of(dataclasses.replace(parts.Picture(SVG), svg="<svg onload=x>"))  # type: ignore
    assert "<svg" not in html


def test_a_page_has_its_style_in_it():
    html = render_page(HOSTILE, ONE_OF_EACH, footer=HOSTILE, look="broad")
    assert html.startswith("<!DOCTYPE html>")
    assert '<main class="broad">' in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert "<script" not in html
