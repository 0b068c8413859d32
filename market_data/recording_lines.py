"""How a recording's lines are read: plain, gzipped or the one file of a zip archive, also where its end is torn."""

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from runtime.errors import FixableError

LINE_MAX: Final = 65_536  # bytes
TAIL: Final = 2 * LINE_MAX  # bytes at a file's end in which its last line is looked for
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class RecordingLine(NamedTuple):
    """One line that is not blank. place: its number in words; is_ended: whether a line break follows."""

    place: str
    text: bytes
    is_ended: bool


class RecordingLines:
    """The lines of one file, read from its start as often as wanted.

    notice: what is to be told of the end that the last reading came to, where that is torn.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.notice: str | None = None

    def __iter__(self) -> Iterator[RecordingLine]:
        """Give the lines; what cannot be read is a FixableError."""
        number, self.notice = 0, None
        with self._opened() as content:
            try:
                while line := content.readline(LINE_MAX + 1):
                    number += 1
                    if number == 1:
                        line = self._without_mark(line)
                    if len(line) > LINE_MAX:
                        raise FixableError(
                            f"{self.file}, line {number}: not text, but {LINE_MAX:,} bytes without a break."
                        )
                    if b"\0" in line:
                        raise FixableError(f"{self.file}, line {number}: not text, but binary.")
                    if b"\r" in line.rstrip(b"\r\n"):
                        raise FixableError(
                            f"{self.file}, line {number}: lines that end in a carriage return alone. Save it with line "
                            "feeds."
                        )
                    if line.strip():
                        yield _line(f"line {number}", line)
            except EOFError:
                # What a recorder wrote and flushed before it was killed.
                self.notice = f"{self.file} is cut off after line {number}: what is before plays."

    def last(self) -> RecordingLine | None:
        """Give the last line of a plain file without reading the rest; null for a compressed one."""
        if self.file.suffix.lower() in (".gz", ".zip"):
            return None
        with self._opened() as content:
            content.seek(max(0, content.seek(0, os.SEEK_END) - TAIL))
            tail = content.read()
        lines = [line for line in tail.splitlines(keepends=True) if line.strip()]
        return _line("the last line", lines[-1]) if lines else None

    def leave_out(self, line: RecordingLine) -> bool:
        """Whether a line that is too short to be whole is the file's torn end, which is told and no more."""
        if not line.is_ended:
            self.notice = f"{self.file} is cut off in {line.place}, which is left out: what is before plays."
        return not line.is_ended

    def refusal(self, line: RecordingLine, why: str) -> FixableError:
        """Refuse one line."""
        return FixableError(f"{self.file}, {line.place}: {why}.")

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith(UTF_16):
            raise FixableError(f"{self.file} is text in UTF-16. Save it in UTF-8.")
        return line.removeprefix(BYTE_ORDER_MARK)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        suffix = self.file.suffix.lower()
        with ExitStack() as opened:
            try:
                if suffix == ".zip":
                    archive = opened.enter_context(zipfile.ZipFile(self.file))
                    content = opened.enter_context(archive.open(self._member(archive)))
                elif suffix == ".gz":
                    content = cast("IO[bytes]", opened.enter_context(gzip.open(self.file)))
                else:
                    content = opened.enter_context(self.file.open("rb"))
                yield content
            except (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
                raise FixableError(f"{self.file} cannot be read: what is compressed in it is damaged.") from error
            except OSError as error:
                raise FixableError(f"{self.file} cannot be read: {error.strerror or error}.") from error
            except (NotImplementedError, RuntimeError) as error:
                raise FixableError(
                    f"{self.file} cannot be read: it has a password, or is compressed in a way that is not known here. "
                    "Unpack it."
                ) from error

    def _member(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        members = [
            member
            for member in archive.infolist()
            # A Mac adds a folder of its own to what it packs.
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise FixableError(f"{self.file} holds {len(members)} files. A zipped recording holds one.")
        return members[0]


def recording_suffix(file: Path) -> str:
    """Give what a recording's name ends in, without how it is compressed: `.csv` of `week.csv.gz`."""
    name = file.name.lower()
    for compressed in (".gz", ".zip"):
        name = name.removesuffix(compressed)
    suffix = Path(name).suffix
    # Binance's archives are named `BTCUSDT-1m-2025-01.zip`, after the file of bars in them.
    return ".csv" if file.suffix.lower() == ".zip" and suffix not in (".csv", ".jsonl") else suffix


def _line(place: str, text: bytes) -> RecordingLine:
    return RecordingLine(place, text.strip(b"\r\n"), is_ended=text.endswith(b"\n"))
