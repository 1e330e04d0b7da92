"""HTML to Markdown, 21 things that are lost easily: what stands in the page, and what is written of it."""

from __future__ import annotations

import pytest

from carrel.documents.html import extract

KATEX = (
    "<p>so <span class=katex><span class=katex-mathml><math><semantics><mrow><mi>x</mi></mrow>"
    "<annotation encoding='application/x-tex'>x^2</annotation></semantics></math></span>"
    "<span class=katex-html aria-hidden=true>x2</span></span> grows</p>"
)
CHECKS: dict[str, tuple[str, str]] = {
    "language of code": ("<pre><code class='language-py'>x = 1</code></pre>", "```py\nx = 1\n```"),
    "<br> in <pre>": ("<pre>a<br>b</pre>", "```\na\nb\n```"),
    "indentation in <pre>": ("<pre>if x:\n    y\n\n    z</pre>", "```\nif x:\n    y\n\n    z\n```"),
    "a fence in code": ("<pre>```\nx\n```</pre>", "````\n```\nx\n```\n````"),
    "a backtick in code": ("<p>use <code>a`b</code></p>", "use ``a`b``"),
    "pipe in a cell": (
        "<table><tr><th>a<th>b<tr><td>1|2<td>c</table>",
        "| a | b |\n| --- | --- |\n| 1\\|2 | c |",
    ),
    "colspan": (
        "<table><tr><th>a<th>b<th>c<tr><td colspan=2>1<td>2</table>",
        "| a | b | c |\n| --- | --- | --- |\n| 1 |  | 2 |",
    ),
    "list in a cell": (
        "<table><tr><th>a<th>b<tr><td><ul><li>x<li>y</ul><td>z</table>",
        "| a | b |\n| --- | --- |\n| - x - y | z |",
    ),
    "a table without a head": (
        "<table><tr><td>1<td>2<tr><td>3<td>4</table>",
        "| 1 | 2 |\n| --- | --- |\n| 3 | 4 |",
    ),
    "target with a space": ("<p><a href='/a b'>link</a></p>", "[link](https://example.org/a%20b)"),
    "target with brackets": ("<p><a href='/a_(b)'>link</a></p>", "[link](https://example.org/a_%28b%29)"),
    "KaTeX once": (KATEX, "so $x^2$ grows"),
    "nested lists": ("<ul><li>a<ol><li>b<li>c</ol><li>d</ul>", "- a\n  1. b\n  2. c\n- d"),
    "number of the first item": ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
    "paragraphs in an item": ("<ul><li><p>a</p><p>b</p></li><li>c</ul>", "- a\n\n  b\n\n- c"),
    "nested quotes": ("<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>", "> a\n>\n> > b"),
    "space around emphasis": ("<p>x<b> y </b>z</p>", "x **y** z"),
    "what would be Markdown": ("<p># 1</p><p>* 2</p><p>&lt;b&gt; x</p>", "\\# 1\n\n\\* 2\n\n\\<b> x"),
    "definition list": ("<dl><dt>term<dd>meaning</dl>", "**term**\n\nmeaning"),
    "picture": ("<p><img src=/i.png alt='A [cat]'></p>", "![A (cat)](https://example.org/i.png)"),
    "what is raised": (
        "<p>10<sup>6</sup> of them, it is said.<sup><a href='#n1'>1</a></sup></p><ol><li id=n1>who</ol>",
        "10^6 of them, it is said.[1]\n\n1. who",
    ),
}


@pytest.mark.parametrize(("html", "expected"), CHECKS.values(), ids=CHECKS)
def test_nothing_is_lost_on_the_way_to_markdown(html: str, expected: str) -> None:
    page = f"<html><body><p>First.</p>{html}<p>Last.</p></body></html>"
    assert extract(page, url="https://example.org/dir/page").markdown == f"First.\n\n{expected}\n\nLast."


def test_there_are_21_checks() -> None:
    assert len(CHECKS) == 21
