"""Every case, in the order in which they run."""

from typing import Final

from bench.cases.begun import BEGUN
from bench.cases.burst import BURST
from bench.cases.copied import COPIED
from bench.cases.encoded import ENCODED
from bench.cases.fetched import FETCHED
from bench.cases.killed import KILLED
from bench.cases.rows import ROWS
from bench.cases.scaled import SCALED
from bench.cases.uploaded import UPLOADED

CASES: Final = tuple(
    sorted(
        (*COPIED, *ENCODED, *BURST, *KILLED, *SCALED, *UPLOADED, *ROWS, *FETCHED, *BEGUN), key=lambda case: case.letter
    )
)
