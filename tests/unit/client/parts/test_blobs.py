"""Files in slices: whole on arrival, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.media.v1 import media_pb2

from postcards_client.errors import DataLost
from postcards_client.parts.blobs import BlobReceiver, ReceivedFile
from postcards_serving.engine.work import Blob
from postcards_serving.rpc.media import blob_header, chunks

IMAGE = Blob("image.png", "image/png", bytes(range(256)) * 3)
RAW = Blob("raw.png", "image/png", b"raw")


def headers(*blobs: Blob) -> list[media_pb2.BlobHeader]:
    return [blob_header(blob, media_pb2.BlobHeader) for blob in blobs]


def slices(blob: Blob, size: int = 100) -> list[media_pb2.Chunk]:
    return list(chunks(blob, media_pb2.Chunk, size))


@given(st.lists(st.binary(min_size=1, max_size=600), max_size=4), st.integers(1, 300))
def test_blobs_arrive_as_they_were_sent(data, size):
    blobs = tuple(Blob(f"{index}.bin", "application/octet-stream", part) for index, part in enumerate(data))
    receiver = BlobReceiver(headers(*blobs))
    for blob in blobs:
        for chunk in slices(blob, size):
            assert 1 <= len(chunk.data) <= size
            receiver.add(chunk)
    assert receiver.finish() == tuple(ReceivedFile(blob.name, blob.content_type, blob.data) for blob in blobs)


def chunk(name: str = "image.png", offset: int = 0, data: bytes = b"x") -> media_pb2.Chunk:
    return media_pb2.Chunk(name=name, offset=offset, data=data)


@pytest.mark.parametrize(
    ("arriving", "words"),
    [
        ([chunk(name="other.png")], "bytes of 'other.png' came where 'image.png' was expected"),
        ([chunk(offset=5)], "continues at byte 5 where 0 was expected"),
        ([chunk(), chunk()], "continues at byte 0 where 1 was expected"),
        ([chunk(data=b"")], "an empty slice"),
        ([chunk(data=bytes(1000))], "longer than the 768 bytes announced"),
        ([*slices(IMAGE), chunk(offset=768)], "after the last blob was complete"),
    ],
)
def test_a_slice_out_of_place_is_refused(arriving, words):
    receiver = BlobReceiver(headers(IMAGE))
    for each in arriving[:-1]:
        receiver.add(each)
    with pytest.raises(DataLost, match=words):
        receiver.add(arriving[-1])


def test_missing_bytes_are_noticed():
    receiver = BlobReceiver(headers(IMAGE, RAW))
    for each in slices(IMAGE):
        receiver.add(each)
    with pytest.raises(DataLost, match=r"'raw\.png' ended after 0 of 3 bytes"):
        receiver.finish()


def test_a_changed_byte_is_noticed():
    receiver = BlobReceiver(headers(RAW))
    receiver.add(chunk("raw.png", data=b"raX"))
    with pytest.raises(DataLost, match=r"'raw\.png' arrived damaged"):
        receiver.finish()


def test_impossible_headers_are_refused():
    with pytest.raises(DataLost, match="twice"):
        BlobReceiver(headers(RAW, RAW))
    with pytest.raises(DataLost, match="empty"):
        BlobReceiver([media_pb2.BlobHeader(name="a")])
    with pytest.raises(DataLost, match="announces 771 bytes, more than the 770"):
        BlobReceiver(headers(IMAGE, RAW), max_bytes=770)


def test_no_blob_is_no_fault():
    assert BlobReceiver([]).finish() == ()
