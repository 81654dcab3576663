"""Starts a language server: `python -m postcards_language`."""

import sys

from postcards.language.v1 import language_pb2

from postcards_language.service import load
from postcards_language.settings import LanguageSettings
from postcards_serving.server.process import serve

if __name__ == "__main__":
    sys.exit(serve("language", LanguageSettings, [language_pb2.DESCRIPTOR.services_by_name["LanguageService"]], load))
