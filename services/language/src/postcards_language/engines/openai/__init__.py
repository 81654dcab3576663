"""The engine `openai`: phrases of a language model behind an OpenAI-compatible API, said in the tongue of the species.

`openai` is imported when an engine is made, not before.
"""

from postcards_language.engines.openai.api.endpoint import Endpoint
from postcards_language.engines.openai.engine import OpenAiEngine

__all__ = ["Endpoint", "OpenAiEngine"]
