"""Reads a declaration from a TOML file; each problem names the file and the key."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import UUID

from zava.adoption.declared_values import (
    CONTEXT,
    MAX_NAME,
    SERVER,
    AdoptionDeclaration,
    AudienceScope,
    DeclaredAudience,
    DeclaredMembers,
    DeclaredTenant,
    TableRule,
    Via,
    default_role,
    printable,
)

_VERSION = 1
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,56}")  # PostgreSQL keeps 63 bytes of `weigh_…`
# Names of policies that are not an audience's, and what sorts behind zava_zz_filter.
_RESERVED = re.compile(r"others|readers|zz.*")
_WAYS = ("tenant", "via", "shared")
_SECTIONS = ("version", "database", "tenant", "audiences", "members", "tables", "views")
_STEPS = 3  # column, parent and key of a via


class DeclarationRefused(Exception):
    """The file is no declaration; `problems` has a sentence for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"adopt: {printable(problem)}" for problem in problems))
        self.problems = tuple(problems)


def read_declaration(path: Path) -> AdoptionDeclaration:
    """Return the declaration of a file.

    Raises:
        DeclarationRefused: the file is missing, no TOML, or breaks a rule of the format.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DeclarationRefused([f"{path}: cannot be read: {reason}"]) from error
    return parse_declaration(text, str(path))


def parse_declaration(text: str, file: str) -> AdoptionDeclaration:
    """Return the declaration of a text; `file` is named in problems.

    Raises:
        DeclarationRefused: it is no TOML, or breaks a rule of the format.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationRefused([f"{file}: {error}"]) from error
    problems: list[str] = []
    declaration = _Content(content, "", problems).declaration(text)
    if problems:
        raise DeclarationRefused([f"{file}: {problem}" for problem in problems])
    return declaration


class _Content:
    """One table of the file; reading a value of another form adds a problem."""

    def __init__(self, content: Mapping[str, Any], place: str, problems: list[str]) -> None:
        self._content = content
        self._place = place
        self._problems = problems

    def declaration(self, text: str) -> AdoptionDeclaration:
        self.only(_SECTIONS)
        if self._content.get("version") != _VERSION:
            self.refuse("version", f"expected {_VERSION}, the version of this format")
        database, tenant = self.section("database"), self.section("tenant")
        database.only(
            ("name", "title", "schemas", "support_schemas", "time_zone", "trusted_functions")
        )
        name = database.name("name")
        schemas = database.texts("schemas")
        if not schemas:
            database.refuse("schemas", "name at least one schema")
        declared_tenant = tenant.tenant()
        audiences = self.section("audiences").audiences(name)
        tables = self.section("tables").tables(schemas)
        if "views" in self._content:
            self.refuse("views", "a view is not adopted; declare the tables that it reads")
        members = None
        if "members" in self._content:
            members = self.section("members").members(audiences)
        for rule in tables.values():
            rule_place = _Content({}, f"tables.{rule.name}", self._problems)
            rule_place.known_audiences(rule, audiences)
        return AdoptionDeclaration(
            name=name,
            title=database.text("title", default=name),
            schemas=schemas,
            support_schemas=database.texts("support_schemas"),
            time_zone=database.text("time_zone", default="UTC"),
            trusted_functions=database.texts("trusted_functions"),
            tenant=declared_tenant,
            audiences=audiences,
            tables=tables,
            members=members,
            text=text,
        )

    def tenant(self) -> DeclaredTenant:
        self.only(("table", "key", "label", "word", "words", "attributes", "tell_count"))
        key = self.text("key")
        word = self.text("word", default="tenant")
        return DeclaredTenant(
            table=self.text("table"),
            key=key,
            label=self.text("label", default=key),
            word=word,
            words=self.text("words", default=f"{word}s"),
            attributes=self.texts("attributes"),
            tell_count=self.flag("tell_count"),
        )

    def audiences(self, database: str) -> tuple[DeclaredAudience, ...]:
        found = []
        for name in self._content:
            one = self.section(name)
            one.only(("scope", "role"))
            if not _NAME.fullmatch(name):
                one.refuse("", f"{_EXPECTED_NAME}")
            if _RESERVED.fullmatch(name):
                one.refuse("", "the seal uses this name for its own policies; choose another")
            scope = one.text("scope", default=AudienceScope.ONE)
            if scope not in set(AudienceScope):
                one.refuse("scope", "expected one, many or all")
                scope = AudienceScope.ONE
            role = one.text("role", default=default_role(database, name))
            if not _ROLE.fullmatch(role):
                one.refuse("role", "expected at most 57 of a-z, 0-9 and _, a letter first")
            elif database and not role.startswith(default_role(database, "")):
                # A role of the application would lose its privileges, and --remove would drop it.
                one.refuse("role", f"expected a name that begins with {default_role(database, '')}")
            elif role.endswith((CONTEXT, SERVER)):
                one.refuse("role", f"{role} ends like a role of the seal itself; choose another")
            found.append(DeclaredAudience(name, role, AudienceScope(scope)))
        roles = [audience.role for audience in found]
        if len(set(roles)) < len(roles):
            self.refuse("", "two audiences have one role")
        if not any(audience.scope is not AudienceScope.ALL for audience in found):
            self.refuse("", "declare at least one audience with scope one or many")
        return tuple(found)

    def tables(self, schemas: Sequence[str]) -> dict[str, TableRule]:
        found = {}
        for name in self._content:
            schema, dot, table = name.partition(".")
            if not (dot and table) or schema not in schemas:
                self.refuse(name, f'expected "schema.table" of {", ".join(schemas)}')
            found[name] = self.section(name).rule(name)
        if not found:
            self.refuse("", "declare at least one table")
        return found

    def rule(self, name: str) -> TableRule:
        self.only((*_WAYS, "null_is_shared", "hide", "filter", "values", "outside_text"))
        is_shared = self.flag("shared")
        ways = [way for way in _WAYS if self._content.get(way) not in (None, False)]
        if len(ways) != 1:
            self.refuse("", f"say exactly one of {', '.join(_WAYS)}")
        null_is_shared = self.flag("null_is_shared")
        if null_is_shared and ways != ["tenant"]:
            self.refuse("null_is_shared", "goes with tenant alone")
        return TableRule(
            name,
            tenant=self.text("tenant") if ways == ["tenant"] else None,
            via=self.via() if ways == ["via"] else None,
            shared=is_shared,
            null_is_shared=null_is_shared,
            hidden=self.hidden(),
            filter=self.text("filter") if "filter" in self._content else None,
            values=self.texts("values"),
            outside_text=self.texts("outside_text"),
        )

    def via(self) -> Via | None:
        steps = self.texts("via")
        if len(steps) != _STEPS:
            self.refuse("via", 'expected [column, "schema.parent", key]')
            return None
        return Via(*steps)

    def hidden(self) -> dict[str, tuple[str, ...]]:
        hide = self._content.get("hide", [])
        if isinstance(hide, list):
            return {"": self.texts("hide")} if hide else {}
        if isinstance(hide, dict):
            section = self.section("hide")
            return {audience: section.texts(audience) for audience in hide}
        self.refuse("hide", "expected columns, or { audience = columns }")
        return {}

    def known_audiences(self, rule: TableRule, audiences: Iterable[DeclaredAudience]) -> None:
        names = [audience.name for audience in audiences]
        for audience in rule.hidden:
            if audience and audience not in names:
                self.refuse("hide", f"there is no audience {audience}{_perhaps(audience, names)}")

    def members(self, audiences: Sequence[DeclaredAudience]) -> DeclaredMembers:
        self.only(("audience", "table", "person", "tenant", "directory", "issuer", "filter"))
        wanted = self.text("audience")
        scopes = {audience.name: audience.scope for audience in audiences}
        if wanted not in scopes:
            self.refuse("audience", f"there is no audience {wanted}{_perhaps(wanted, [*scopes])}")
        elif scopes[wanted] is not AudienceScope.MANY:
            self.refuse("", "people may belong to several accounts; use scope many")
        if ("directory" in self._content) == ("issuer" in self._content):
            self.refuse("", "say exactly one of directory, issuer")
        directory = None
        if "directory" in self._content:
            with suppress(ValueError):
                directory = UUID(self.text("directory"))
            if directory is None:
                self.refuse("directory", "expected the id of a directory, a UUID")
        return DeclaredMembers(
            audience=wanted,
            table=self.text("table"),
            person=self.text("person"),
            tenant=self.text("tenant"),
            directory=directory,
            issuer=self.text("issuer") if "issuer" in self._content else None,
            filter=self.text("filter") if "filter" in self._content else None,
        )

    def section(self, key: str) -> "_Content":
        found = self._content.get(key, {})
        if not isinstance(found, dict):
            self.refuse(key, "expected a table")
            found = {}
        return _Content(found, f"{self._place}.{key}".strip("."), self._problems)

    def only(self, keys: Sequence[str]) -> None:
        for key in self._content:
            if key not in keys:
                self.refuse(key, f"there is no such key{_perhaps(key, keys)}")

    def name(self, key: str) -> str:
        name = self.text(key)
        if name and not _NAME.fullmatch(name):
            self.refuse(key, _EXPECTED_NAME)
        return name

    def text(self, key: str, *, default: str | None = None) -> str:
        if default is not None and key not in self._content:
            return default
        found = self._content.get(key)
        if isinstance(found, str) and found:
            return found
        self.refuse(key, "expected a text" if key in self._content else "is missing")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        found = self._content.get(key, [])
        if isinstance(found, list) and all(isinstance(each, str) and each for each in found):
            return tuple(found)
        self.refuse(key, "expected a list of texts")
        return ()

    def flag(self, key: str) -> bool:
        found = self._content.get(key, False)
        if not isinstance(found, bool):
            self.refuse(key, "expected true or false")
        return found is True

    def refuse(self, key: str, problem: str) -> None:
        self._problems.append(f"{f'{self._place}.{key}'.strip('.')}: {problem}")


_EXPECTED_NAME = f"expected at most {MAX_NAME} of a-z, 0-9 and _, a letter first"


def _perhaps(name: str, known: Sequence[str]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f"; perhaps {nearest[0]}" if nearest else ""
