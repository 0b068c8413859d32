"""The files of the built screen, held in memory with what each is once compressed."""

from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

BUILT: Final = Path(__file__).parents[2] / "web" / "dist"
PAGE: Final = "index.html"
# What the page says of where it is served; the page as it is built says that it is a demo's.
DEMO: Final = '<meta name="profile" content="demo" />'
KINDS: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }
)
ENCODINGS: Final = MappingProxyType({"br": ".br", "gzip": ".gz"})  # the best first


class ScreenFile(NamedTuple):
    """A file as it can be sent. bodies: by encoding; `identity` is always there."""

    kind: str
    bodies: dict[str, bytes]
    etag: str

    def body_for(self, accepted: str) -> tuple[str, bytes]:
        """Choose what a browser takes, by its Accept-Encoding."""
        names = {part.partition(";")[0].strip().lower() for part in accepted.split(",") if ";q=0" not in part}
        name = next((each for each in ENCODINGS if each in names and each in self.bodies), "identity")
        return name, self.bodies[name]


class ScreenFiles:
    """The screen's files by their names below /static/. They are read once they are there."""

    def __init__(self, folder: Path = BUILT, profile: str = "demo") -> None:
        self._profile = profile
        self._folder = folder
        self._files: dict[str, ScreenFile] = {}

    def find(self, name: str) -> ScreenFile | None:
        """Give a file; null where there is none, or where the screen is not built."""
        if not self._files and (self._folder / PAGE).is_file():
            self._files = dict(self._read())
            self._files[PAGE] = _page_of(self._profile, self._files[PAGE])
        return self._files.get(name)

    def _read(self) -> list[tuple[str, ScreenFile]]:
        return [
            (path.relative_to(self._folder).as_posix(), _file(path, KINDS[path.suffix]))
            for path in sorted(self._folder.rglob("*"))
            if path.suffix in KINDS and path.is_file()
        ]


def _page_of(profile: str, page: ScreenFile) -> ScreenFile:
    """Give the page as it says which profile it is of: what only a demo has is not offered elsewhere."""
    if profile == "demo":
        return page
    content = page.bodies["identity"].decode()
    assert DEMO in content, "the built page says of which profile it is"
    return _sent_as(page.kind, {"identity": content.replace(DEMO, DEMO.replace("demo", profile)).encode()})


def _file(path: Path, kind: str) -> ScreenFile:
    bodies = {"identity": path.read_bytes()}
    for encoding, suffix in ENCODINGS.items():
        compressed = path.with_name(f"{path.name}{suffix}")
        if compressed.is_file():
            bodies[encoding] = compressed.read_bytes()
    return _sent_as(kind, bodies)


def _sent_as(kind: str, bodies: dict[str, bytes]) -> ScreenFile:
    return ScreenFile(kind, bodies, f'"{sha256(bodies["identity"]).hexdigest()[:32]}"')
