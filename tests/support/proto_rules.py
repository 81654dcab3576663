"""What the protos say of the values of their fields: the options of `buf.validate`, read from the protos themselves.

The generated code holds none of them, so the protos are compiled here, into a pool of their own.
"""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parents[2] / "protos"
_WELL_KNOWN = Path(protoc.__file__).parent / "_proto"


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    names = sorted(str(path.relative_to(PROTO_ROOT)) for path in PROTO_ROOT.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "descriptors"
        roots = [f"-I{PROTO_ROOT}", f"-I{_WELL_KNOWN}"]
        assert protoc.main(["protoc", *roots, "--include_imports", f"-o{target}", *names]) == 0
        files = FileDescriptorSet.FromString(target.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    # An option is read as what it is only by a class whose pool knows the extension.
    pool.FindExtensionByName("buf.validate.field")
    return pool


def message_names(package: str) -> list[str]:
    """Full names of the messages of the protos whose package begins so; entries of maps left out."""
    folder = PROTO_ROOT / package.replace(".", "/")
    files = [str(path.relative_to(PROTO_ROOT)) for path in sorted(folder.rglob("*.proto"))]
    return [found.full_name for file in files for found in _pool().FindFileByName(file).message_types_by_name.values()]


def descriptor(message: str) -> Descriptor:
    """The message of that full name."""
    return _pool().FindMessageTypeByName(message)


def stated_rules(field: FieldDescriptor) -> Message:
    """The `buf.validate.FieldRules` of a field; empty where it has none."""
    options = GetMessageClass(_pool().FindMessageTypeByName("google.protobuf.FieldOptions"))
    read = options.FromString(field.GetOptions().SerializeToString())
    return read.Extensions[_pool().FindExtensionByName("buf.validate.field")]


def rules(values: dict[str, Any]) -> Message:
    """`buf.validate.FieldRules` of these values, as JSON spells them."""
    return ParseDict(values, GetMessageClass(_pool().FindMessageTypeByName("buf.validate.FieldRules"))())
