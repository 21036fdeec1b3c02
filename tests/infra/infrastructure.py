"""The files of infra/, read once."""

from pathlib import Path

from tests.infra.bicep import BicepError, File, read


class Infrastructure:
    """The files of infra/, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts = {
            path.relative_to(root / "infra").as_posix(): path.read_text(encoding="utf-8")
            for path in sorted((root / "infra").rglob("*.bicep"))
        }
        self.files: dict[str, File] = {}
        self.unreadable: list[str] = []
        for name, text in self.texts.items():
            try:
                self.files[name] = read(text)
            except BicepError as error:
                self.unreadable.append(f"{name} {error}")

    @property
    def main(self) -> File:
        return self.files["main.bicep"]
