"""A part service that was scaled to nothing: its name leads nowhere until its first pod is there."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postcards.composer.v1 import composer_pb2

from postcards_serving.testing import eventually

_HEADER, _QUESTION, _ANSWER = struct.Struct("!6H"), struct.Struct("!HH"), struct.Struct("!HHHIH")
_ADDRESS_OF_V4, _INTERNET = 1, 1
_ANSWERED, _NO_SUCH_NAME = 0x8580, 0x8583
_NAME_OF_THE_QUESTION = 0xC00C


class Names(asyncio.DatagramProtocol):
    """A name server that knows no name until `known` is set, and then gives loopback for each."""

    def __init__(self) -> None:
        self.known = False
        self.asked = 0

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self.asked += 1
        number, *_ = _HEADER.unpack_from(data)
        end = data.index(b"\0", _HEADER.size) + 1
        kind, _ = _QUESTION.unpack_from(data, end)
        question = data[_HEADER.size : end + _QUESTION.size]
        answers = [socket.inet_aton("127.0.0.1")] if self.known and kind == _ADDRESS_OF_V4 else []
        header = _HEADER.pack(number, _ANSWERED if self.known else _NO_SUCH_NAME, 1, len(answers), 0, 0)
        records = [_ANSWER.pack(_NAME_OF_THE_QUESTION, kind, _INTERNET, 5, len(a)) + a for a in answers]
        self._transport.sendto(b"".join([header, question, *records]), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[Names, int]]:
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    try:
        yield names, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def test_a_postcard_waits_for_a_service_that_has_no_address_yet(open_replica, parts, parts_address):
    async with name_server() as (names, port):
        replica = await open_replica(
            image_address=f"dns://127.0.0.1:{port}/image:{parts_address.rpartition(':')[2]}", part_patience_seconds=60.0
        )
        postcard = await replica.create()
        await eventually(lambda: replica.count("postcards_part_retries_total", part="image") > 0)
        await eventually(lambda: replica.count("postcards_parts_wanted", part="audio") == 0)
        assert replica.count("postcards_parts_wanted", part="image") == 1
        assert parts.image_requests == []
        names.known = True
        finished = await replica.finished(postcard.id)
    assert names.asked > 0
    assert finished.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert replica.count("postcards_parts_wanted", part="image") == 0
