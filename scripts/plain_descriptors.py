"""Takes the rules of `buf.validate` out of compiled protos, and says them in the comments instead.

Generated Python is made of the result: it imports nothing for rules that the services check themselves, and an editor
still shows the range of a field. Usage: plain_descriptors.py IN OUT, both serialized FileDescriptorSets with comments.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

RULES_FILE = "buf/validate/validate.proto"
_MESSAGES = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
_NESTED = DescriptorProto.NESTED_TYPE_FIELD_NUMBER
_FIELDS = DescriptorProto.FIELD_FIELD_NUMBER


def plain(files: FileDescriptorSet) -> FileDescriptorSet:
    """The files without rules; each comment of a field that had some says them."""
    read = RuleReader(files)
    kept = FileDescriptorSet(file=[file for file in files.file if file.name != RULES_FILE])
    for file in kept.file:
        words = {path: rule_words(rules) for path, rules in read.take(file)}
        for location in file.source_code_info.location:
            if said := words.get(tuple(location.path)):
                location.leading_comments = _with_words(location.leading_comments, said)
        imports = [name for name in file.dependency if name != RULES_FILE]
        file.ClearField("dependency")
        file.dependency.extend(imports)
    return kept


class RuleReader:
    """Knows the extension of field options that holds the rules."""

    def __init__(self, files: FileDescriptorSet) -> None:
        """Takes the definition of the rules from `files`."""
        pool = DescriptorPool()
        for file in files.file:
            pool.Add(file)
        self._extension = pool.FindExtensionByName("buf.validate.field")
        self._options = GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FieldOptions"))

    def take(self, file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], Message]]:
        """Takes the rules out of a file: the path of each field that had some, and them."""
        for path, field in _fields_of(file):
            # The compiler writes this down for others even where it is what they would have guessed.
            field.ClearField("json_name")
            options = self._options.FromString(field.options.SerializeToString())
            if options.HasExtension(self._extension):
                yield path, options.Extensions[self._extension]
                options.ClearExtension(self._extension)
                field.options.ParseFromString(options.SerializeToString())
                if not field.options.ListFields():
                    field.ClearField("options")


def _fields_of(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], FieldDescriptorProto]]:
    pending = [((_MESSAGES, number), message) for number, message in enumerate(file.message_type)]
    while pending:
        path, message = pending.pop()
        yield from (((*path, _FIELDS, number), field) for number, field in enumerate(message.field))
        pending += [((*path, _NESTED, number), nested) for number, nested in enumerate(message.nested_type)]


def _with_words(comment: str, said: str) -> str:
    """The comment with the words of the rules: before its default, else at its end."""
    told, *default = re.split(r"(?=\sDefault:)", comment.rstrip(), maxsplit=1)
    return f"{told} {said}{''.join(default)}\n"


def rule_words(rules: Message) -> str:
    """The rules of one field as sentences: "Range: 0 to 1."; empty for those that its type or comment says."""
    return " ".join(f"{words[0].upper()}{words[1:]}." for words in _clauses(rules))


def _clauses(rules: Message) -> list[str]:
    kind = rules.WhichOneof("type")
    stated = getattr(rules, kind) if kind else None
    match kind:
        case "double" | "float" | "int32" | "int64" | "uint32" | "uint64":
            return _range_words(stated)
        case "string":
            return _size_words(stated.min_len, stated.max_len, "characters") + _pattern_words(stated)
        case "bytes":
            return _size_words(stated.min_len, stated.max_len, "bytes")
        case "repeated":
            return _size_words(stated.min_items, stated.max_items, "of them") + _each(stated.items)
        case "map":
            return _size_words(0, stated.max_pairs, "of them") + _each(stated.values)
        case "duration":
            bounds = {name: f"{value.ToTimedelta().total_seconds():g} s" for name, value in _bounds(stated).items()}
            return _between(bounds)
        case _:
            return []


def _range_words(stated: Message) -> list[str]:
    return _between({name: f"{value:g}" for name, value in _bounds(stated).items()})


def _bounds(stated: Message) -> dict[str, object]:
    return {name: getattr(stated, name) for name in ("gte", "gt", "lte", "lt") if stated.HasField(name)}


def _between(bounds: dict[str, str]) -> list[str]:
    low = bounds["gte"] if "gte" in bounds else f"above {bounds['gt']}" if "gt" in bounds else None
    high = bounds["lte"] if "lte" in bounds else f"below {bounds['lt']}" if "lt" in bounds else None
    if low and high:
        return [f"range: {low} to {high}"]
    return [f"at least {low}"] if low else [f"at most {high}"] if high else []


def _size_words(least: int, most: int, unit: str) -> list[str]:
    if least == most and most:
        return [f"exactly {most} {unit}"]
    if least and most:
        return [f"{least} to {most} {unit}"]
    if most == 1:
        unit = unit.removesuffix("s")
    return [f"at most {most} {unit}"] if most else [f"at least {least} {unit}"] if least else []


def _pattern_words(stated: Message) -> list[str]:
    return [f"matches {stated.pattern}"] if stated.pattern else []


def _each(rules: Message) -> list[str]:
    return [f"each: {words.removeprefix('range: ')}" for words in _clauses(rules)]


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_bytes(plain(FileDescriptorSet.FromString(source.read_bytes())).SerializeToString())
