"""Reads a declaration from a TOML file; each problem names the file and the key."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
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
from zava.adoption.section_content import SectionContent, perhaps

_VERSION = 1
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,56}")  # PostgreSQL keeps 63 bytes of `weigh_…`
# Names of policies that are not an audience's, and what sorts behind zava_zz_filter.
_RESERVED = re.compile(r"others|readers|zz.*")
_WAYS = ("tenant", "via", "shared")
_SECTIONS = ("version", "database", "tenant", "audiences", "members", "tables", "views")
_MEANING = ("metrics", "dimensions", "joins")
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


class _Content(SectionContent):
    """One table of the file; reading a value of another form adds a problem."""

    def declaration(self, text: str) -> AdoptionDeclaration:
        self.only((*_SECTIONS, *_MEANING))
        if self._content.get("version") != _VERSION:
            self.refuse("version", f"expected {_VERSION}, the version of this format")
        database, tenant = self.section("database"), self.section("tenant")
        database.only(
            (
                *("name", "title", "schemas", "support_schemas", "time_zone"),
                *("trusted_functions", "currency"),
            )
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
        declared = AdoptionDeclaration(
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
            currency=database.text("currency", default=""),
            text=text,
        )
        if not any(key in self._content for key in _MEANING):
            return declared
        # Loaded where metrics are declared: their expressions need the parser of SQL.
        from zava.adoption.metrics.metric_sections import read_meaning

        return replace(declared, meaning=read_meaning(self._content, self._problems))

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
                self.refuse("hide", f"there is no audience {audience}{perhaps(audience, names)}")

    def members(self, audiences: Sequence[DeclaredAudience]) -> DeclaredMembers:
        self.only(("audience", "table", "person", "tenant", "directory", "issuer", "filter"))
        wanted = self.text("audience")
        scopes = {audience.name: audience.scope for audience in audiences}
        if wanted not in scopes:
            self.refuse("audience", f"there is no audience {wanted}{perhaps(wanted, [*scopes])}")
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

    def name(self, key: str) -> str:
        name = self.text(key)
        if name and not _NAME.fullmatch(name):
            self.refuse(key, _EXPECTED_NAME)
        return name


_EXPECTED_NAME = f"expected at most {MAX_NAME} of a-z, 0-9 and _, a letter first"
