"""What a domain offers through this server: MCP's server features."""

from collections.abc import Mapping
from dataclasses import dataclass

from zava.model.domain import Domain
from zava.protocol.prompt import Prompt
from zava.protocol.resources.resource import Resource
from zava.protocol.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class ServerFeatures:
    """Tools and prompts by name, resources and templates by URI, each in the order of its list."""

    domain: Domain
    tools: Mapping[str, Tool]
    resources: Mapping[str, Resource]
    prompts: Mapping[str, Prompt]
