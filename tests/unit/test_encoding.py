"""The encoding of a file is its byte order mark's, else the declared one, else UTF-8."""

import pytest

from headway.encoding import Encoding, check_encoding, encoding_of


@pytest.mark.parametrize(
    ("head", "declared", "expected"),
    [
        (b"a,b", None, Encoding("utf-8")),
        (b"", None, Encoding("utf-8")),
        (b"\xef\xbb\xbfa", None, Encoding("utf-8", mark=3)),
        (b"\xff\xfea\0", None, Encoding("utf-16-le", mark=2)),
        (b"\xfe\xff\0a", None, Encoding("utf-16-be", mark=2)),
        (b"\xff\xfe\0\0", None, Encoding("utf-32-le", mark=4)),
        (b"\0\0\xfe\xff", None, Encoding("utf-32-be", mark=4)),
        (b"\xef\xbb\xbfa", "utf-8", Encoding("utf-8", mark=3)),
        (b"\xef\xbb\xbfa", "cp1252", Encoding("utf-8", mark=3)),
        (b"\xff\xfea\0", "utf-8", Encoding("utf-16-le", mark=2)),
        (b"\xff\xfea\0", "utf-16-be", Encoding("utf-16-le", mark=2)),
        (b"\xff\xfe\0\0", "cp1252", Encoding("utf-32-le", mark=4)),
        (b"a,b", "cp1252", Encoding("cp1252")),
        (b"\xfe\xff\0a", "utf-16", Encoding("utf-16-be", mark=2)),
        (b"a\0b\0", "utf-16", Encoding("utf-16-le")),
        (b"\xff\xfe\0\0", "utf-16-le", Encoding("utf-16-le", mark=2)),
    ],
)
def test_the_mark_wins_then_the_declared_encoding_then_utf_8(
    head: bytes, declared: str | None, expected: Encoding
) -> None:
    assert encoding_of(head, declared) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [(None, None), ("UTF8", "utf-8"), ("utf-8-sig", "utf-8"), ("latin1", "iso8859-1"), ("UTF-16", "utf-16")],
)
def test_a_declared_encoding_gets_the_name_that_python_has_for_it(name: str | None, expected: str | None) -> None:
    assert check_encoding(name) == expected


@pytest.mark.parametrize("name", ["utf-99", "", "rot13", "base64", "undefined"])
def test_what_is_no_text_encoding_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"There is no text encoding {name!r}"):
        check_encoding(name)


@pytest.mark.parametrize("name", ["iso-2022-jp", "hz", "utf-7", "cp037", "punycode", "unicode_escape"])
def test_an_encoding_in_which_lines_cannot_be_read_on_their_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be read line by line"):
        check_encoding(name)
