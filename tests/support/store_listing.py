"""What a composer lists and what lies in its store's folder."""

import os
from pathlib import Path

from postcards.composer.v1 import composer_pb2


async def listed(replica, size: int = 0, token: str = "") -> composer_pb2.ListPostcardsResponse:
    return await replica.stub.ListPostcards(composer_pb2.ListPostcardsRequest(page_size=size, page_token=token))


def left_in(folder: Path) -> list[str]:
    walked = ((Path(root).relative_to(folder), names) for root, _, names in os.walk(folder))
    return [str(below / name) for below, names in walked for name in names if ".scratch" not in below.parts]
