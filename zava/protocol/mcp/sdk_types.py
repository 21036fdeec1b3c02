"""What is offered, in the SDK's types."""

import mcp_types as types

from zava.protocol.prompt import Prompt
from zava.protocol.resources.resource import Resource
from zava.protocol.tools.listing import listed_tool
from zava.protocol.tools.tool import Tool


def described_tool(tool: Tool) -> types.Tool:
    """Return a tool as `tools/list` shows it."""
    return types.Tool.model_validate(listed_tool(tool))


def described_resource(resource: Resource) -> types.Resource:
    """Return a resource as `resources/list` shows it."""
    return types.Resource(
        uri=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.mime_type,
    )


def described_template(resource: Resource) -> types.ResourceTemplate:
    """Return a resource with places as `resources/templates/list` shows it."""
    return types.ResourceTemplate(
        uri_template=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.mime_type,
    )


def described_prompt(prompt: Prompt) -> types.Prompt:
    """Return a prompt as `prompts/list` shows it."""
    return types.Prompt(
        name=prompt.name,
        title=prompt.title,
        description=prompt.description,
        arguments=[
            types.PromptArgument(
                name=argument.name,
                description=argument.description,
                required=argument.is_required,
            )
            for argument in prompt.arguments
        ],
    )
