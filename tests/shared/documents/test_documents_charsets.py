"""Published tables of charsets; every deviation is named here, with its reason."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from carrel.documents.charset import decode

TABLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "html5lib-tests" / "encoding"
# The table's own name for a charset, where a codec of a wider one is what reads it (WHATWG Encoding, section 4.2).
WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252"}
# Declared EUC-JP, but its bytes are strict UTF-8 and no EUC-JP: what can be read is preferred to what is said.
DEVIATIONS = {("test-yahoo-jp.dat", "euc_jp", "utf-8")}


@pytest.mark.skipif(not TABLES.exists(), reason="the html5lib tests are not on this machine")
def test_a_page_is_read_in_the_charset_that_the_standard_finds() -> None:
    seen, deviations = 0, set()
    for file in sorted(TABLES.glob("*.dat")):
        for case in file.read_bytes().split(b"#data\n")[1:]:
            data, _, told = case.partition(b"\n#encoding\n")
            wanted = codecs.lookup(told.split(b"\n")[0].decode().strip()).name
            wanted = WIDER.get(wanted, wanted)
            text, name = decode(data, html=True)
            seen += 1
            if text != data.decode(wanted, "replace").removeprefix("\ufeff"):
                deviations.add((file.name, wanted, name))
    assert seen == 82
    assert deviations == DEVIATIONS


def test_a_charset_declared_far_down_is_believed_where_the_bytes_are_no_utf8() -> None:
    page = "<html><!--" + "-" * 3000 + "--><meta charset=iso-8859-2><p>" + "Zażółć gęślą jaźń, łódź. " * 20
    assert decode(page.encode("iso-8859-2"), html=True) == (page, "iso8859-2")
    assert decode(page.encode(), html=True) == (page, "utf-8")
