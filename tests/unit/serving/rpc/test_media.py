"""Files in slices, as they are sent."""

from hypothesis import given
from hypothesis import strategies as st
from postcards.media.v1 import media_pb2

from postcards_serving.engine.work import Blob
from postcards_serving.rpc.media import MAX_CHUNK_BYTES, blob_header, chunks


@given(st.binary(min_size=1, max_size=600), st.integers(1, 300))
def test_slices_are_the_blob_in_order(data, size):
    slices = list(chunks(Blob("x.bin", "application/octet-stream", data), media_pb2.Chunk, size))
    assert b"".join(chunk.data for chunk in slices) == data
    assert all(1 <= len(chunk.data) <= size and chunk.name == "x.bin" for chunk in slices)
    assert [chunk.offset for chunk in slices] == list(range(0, len(data), size))


def test_slices_are_at_most_256_kib():
    blob = Blob("call.wav", "audio/wav", bytes(3 * MAX_CHUNK_BYTES + 1))
    assert [len(chunk.data) for chunk in chunks(blob, media_pb2.Chunk)] == [262_144] * 3 + [1]


def test_a_header_announces_name_length_and_hash():
    header = blob_header(Blob("a.txt", "text/plain", b"abc"), media_pb2.BlobHeader)
    assert (header.name, header.content_type, header.size_bytes) == ("a.txt", "text/plain", 3)
    assert header.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
