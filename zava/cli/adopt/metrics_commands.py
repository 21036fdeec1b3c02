"""`zava metrics`: the metrics of a declaration as an Apache Ossie model, and back."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zava.adoption.declaration_file import DeclarationRefused, read_declaration
from zava.adoption.declared_values import AdoptionDeclaration, printable
from zava.settings import SettingsError, settings

metrics = typer.Typer(
    help="Metrics of a declaration as an Apache Ossie model.", no_args_is_help=True
)

_Declaration = Annotated[
    Path | None, typer.Option(help="The declaration; default: ZAVA_DECLARATION.")
]
_MAX_BYTES = 4 * 1024 * 1024


@metrics.command("export")
def export_metrics(
    file: Annotated[Path | None, typer.Argument(help="File to write; default: print.")] = None,
    *,
    declaration: _Declaration = None,
) -> None:
    """Write the metrics of the declaration as an Ossie model, in JSON, which is YAML, too."""
    # Loaded by this command alone.
    from zava.adoption.metrics.metric_sections import meaning_problems
    from zava.adoption.ossie.ossie_export import exported

    declared = _declared(declaration)
    if problems := list(meaning_problems(declared)):
        raise DeclarationRefused(problems)
    text = json.dumps(exported(declared), indent=2, ensure_ascii=False)
    _write(f"{text}\n", file)


@metrics.command("import")
def import_metrics(
    file: Annotated[Path, typer.Argument(help="The Ossie model, in YAML or JSON.")],
    output: Annotated[Path | None, typer.Argument(help="File to write; default: print.")] = None,
    *,
    declaration: _Declaration = None,
) -> None:
    """Write an Ossie model as sections of the declaration, and list what does not fit."""
    # Loaded by this command alone.
    from zava.adoption.metrics.metric_text import meaning_text
    from zava.adoption.ossie.ossie_import import ModelRefused, imported

    declared = _declared(declaration)
    try:
        found = imported(_document(file), declared)
    except ModelRefused as error:
        raise DeclarationRefused([f"{file}: {error}"]) from error
    for each in found.left_out:
        typer.echo(printable(f"left out: {each.name}: {each.reason}"), err=True)
    if found.currency != declared.currency:
        typer.echo(printable(f'database: currency = "{found.currency}"'), err=True)
    _write(meaning_text(found.meaning), output)


def _declared(named: Path | None) -> AdoptionDeclaration:
    setting = settings().declaration
    path = named or (Path(setting) if setting else None)
    if path is None:
        raise SettingsError("ZAVA_DECLARATION: name the declaration of the adopted database")
    return read_declaration(path)


def _document(file: Path) -> Any:
    try:
        content = file.read_bytes()
        if len(content) > _MAX_BYTES:
            raise DeclarationRefused([f"{file}: longer than {_MAX_BYTES} bytes"])
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationRefused([f"{file}: cannot be read as text"]) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return _yaml(file, text)


def _yaml(file: Path, text: str) -> Any:
    try:
        import yaml  # no dependency of the server
    except ImportError as error:
        raise DeclarationRefused([f"{file}: is no JSON; for YAML, pip install pyyaml"]) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DeclarationRefused([f"{file}: is neither JSON nor YAML"]) from error


def _write(text: str, file: Path | None) -> None:
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError:
        raise DeclarationRefused([f"{file} exists; name another file"]) from None
