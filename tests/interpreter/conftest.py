"""An application with a translation service, and the people who want to read each other."""

from collections.abc import AsyncIterator

import pytest

from tests.translators import TranslationService, environ, translation_service


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest.fixture
def environment(environment: dict[str, str], service: TranslationService) -> dict[str, str]:
    return environment | environ(service) | {"LANGUAGES": "en,es,de"}
