"""Whatever is uploaded as a bank's statement: refused in a sentence, in little time and memory."""

import tracemalloc
from io import BytesIO

import pytest

from members import camt
from members.camt import Unreadable
from tests.members.statements import NAMESPACE, OURS, document, entry, file, transfer

HEAD = f'<Document xmlns="{NAMESPACE.format("02")}"><BkToCstmrStmt><Stmt><Acct><Id><IBAN>{OURS}</IBAN></Id></Acct>'
SMALL = (
    '<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2026-01-20</Dt></ValDt></Ntry>'
)
TAIL = "</Stmt></BkToCstmrStmt></Document>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def read(content: bytes | str):
    return camt.read(BytesIO(content.encode() if isinstance(content, str) else content), iban=OURS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1000,
        b"%PDF-1.7",
        b"PK\x03\x04",
        "not XML at all",
        "<html></html>",
        "<Document/>",
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>',
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02x"/>',
        HEAD + entry(),  # cut off
        HEAD + "<Ntry></Ntry></Stmt>" + TAIL,
        HEAD + entry("NaN") + TAIL,
        HEAD + entry("1e99") + TAIL,
        HEAD + entry("-5") + TAIL,
        HEAD + entry("٥") + TAIL,
        HEAD + entry("9" * 5000) + TAIL,
        HEAD + entry(day="2026-13-45") + TAIL,
        HEAD + entry(day="") + TAIL,
        '<?xml version="1.0" encoding="no-such-thing"?>' + HEAD + TAIL,
        (HEAD + entry(words="\udcff") + TAIL).encode("utf-8", "surrogatepass"),
        f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>' + HEAD + entry(words="&l9;") + TAIL,
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HEAD + entry(words="&x;") + TAIL,
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:1/x.dtd">' + HEAD + TAIL,
        HEAD + entry(words="&undefined;") + TAIL,
    ],
)
def test_what_is_no_statement_is_refused(content):
    with pytest.raises(Unreadable, match="no statement of account that can be read"):
        read(content)


def test_a_statement_without_an_account_or_of_two_is_refused():
    for content in [document(entry(), iban=""), HEAD + "</Stmt><Stmt>" + entry() + TAIL]:
        with pytest.raises(Unreadable, match="another account"):
            read(content)


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("<a>" * 100_000, "no statement"),
        (f"<Ntry>{'<a/>' * 200_000}</Ntry>", "far too many"),
        (f"<Ntry>{'<a>' * 100_000}", "no statement"),
        (SMALL * 10_001, "more than 10000 entries"),
        (" " * 21_000_000, "larger than 20 MB"),
        (f"<Ntry {'a' * 21_000_000}", "larger than 20 MB"),
    ],
)
def test_a_bomb_costs_neither_time_nor_memory(inner, said):
    content = (HEAD + inner + TAIL).encode()
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=said):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_full_file_of_the_largest_entries_stays_small():
    big = entry("1000.00", details=transfer("1.00", words="x" * 140) * 1000, bank_ref="B")
    content = document(*[big] * 2)
    tracemalloc.start()
    try:
        found = camt.read(BytesIO(content), iban=OURS)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    assert len(found.entries) == 2_000
    assert len({each.reference for each in found.entries}) == 2_000


def test_texts_are_kept_no_longer_than_there_is_room_for():
    (found,) = camt.read(
        file(entry(words="x" * 100_000, payer="y" * 100_000, bank_ref="z" * 100_000)), iban=OURS
    ).entries
    assert (len(found.words), len(found.payer), len(found.reference)) == (280, 140, 69)


def test_comments_instructions_and_other_namespaces_do_no_harm():
    inner = "<!-- a --><?php echo 1 ?>" + entry("5.00").replace(
        "<NtryRef>1", '<x:y xmlns:x="urn:x">&lt;b&gt;</x:y><NtryRef>1'
    )
    assert len(read(HEAD + inner + TAIL).entries) == 1
