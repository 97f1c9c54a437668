"""Decodes messages with Google's protobuf and compares with what Baton made of the same bytes.

usage: differential.py DESCRIPTORS CASES

DESCRIPTORS is a serialized FileDescriptorSet. A line of CASES is the message's full name, the input
in hexadecimal, and what Baton says: the value encoded again, in hexadecimal, or a "!" and the code
of the refusal. Prints one line for each case of which the two think differently, and at the end how
many both accepted and both refused.
"""

import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields
from google.protobuf.message import DecodeError, Message

# What Baton refuses and the specification allows: docs/contract.md, section 5.
STRICTER = ("!NUL_IN_TEXT", "!TOO_MUCH_MEMORY")
_MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE


def types(descriptors: bytes) -> dict[str, type[Message]]:
    """The message types of a FileDescriptorSet, by full name."""
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        # As lists of entries: of a map this protobuf drops entries with a field that it does not
        # know, which its sisters for C++ and Java do not.
        for message in file.message_type:
            for nested in message.nested_type:
                nested.options.ClearField("map_entry")
        pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        for file in files.file
        for name in (f"{file.package}.{message.name}" for message in file.message_type)
    }


def has_field_zero(unknown: unknown_fields.UnknownFieldSet) -> bool:
    """Whether there is a field with number 0, which only this protobuf accepts."""
    for index in range(len(unknown)):
        field = unknown[index]
        if field.field_number == 0:
            return True
        group = isinstance(field.data, unknown_fields.UnknownFieldSet)
        if group and has_field_zero(field.data):
            return True
    return False


def is_sound(message: Message) -> bool:
    """Whether no message in it has a field with number 0."""
    if has_field_zero(unknown_fields.UnknownFieldSet(message)):
        return False
    for field, value in message.ListFields():
        if field.type == _MESSAGE:
            inner = [value] if isinstance(value, Message) else value
            if not all(is_sound(element) for element in inner):
                return False
    return True


def settle_maps(message: Message) -> None:
    """Leaves the last entry of each key, in the order of the keys."""
    for field, entries in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.name.endswith("Entry"):
            last = {entry.key: entry for entry in entries}
            settled = [last[key] for key in sorted(last)]
            for entry in settled:
                if entry.DESCRIPTOR.fields_by_name["value"].type == _MESSAGE:
                    entry.value.SetInParent()
            copies = [type(entry).FromString(entry.SerializeToString()) for entry in settled]
            del entries[:]
            entries.extend(copies)


def drop_negative_zeros(message: Message) -> None:
    """Clears the negative zeros that Baton leaves out, as it does every zero without presence."""
    for field, value in message.ListFields():
        if field.type == _MESSAGE:
            for element in [value] if isinstance(value, Message) else value:
                drop_negative_zeros(element)
        elif value == 0 and not field.has_presence:
            message.ClearField(field.name)


def decoded(kind: type[Message], data: bytes) -> bytes | None:
    """The known fields in one deterministic form; None where protobuf refuses."""
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    if not is_sound(message):
        return None
    message.DiscardUnknownFields()
    settle_maps(message)
    drop_negative_zeros(message)
    return message.SerializeToString(deterministic=True)


def difference(kind: type[Message], data: bytes, ours: str) -> str | None:
    """What the two think differently of; None where they agree."""
    theirs = decoded(kind, data)
    if ours.startswith("!"):
        if theirs is not None and ours not in STRICTER:
            return f"protobuf accepts it as {theirs.hex()}"
        return None
    if theirs is None:
        return "protobuf refuses it"
    if bytes.fromhex(ours) != theirs:
        return f"protobuf writes {theirs.hex()}"
    return None


def main(descriptors: str, cases: str) -> None:
    """Compares all cases."""
    known = types(Path(descriptors).read_bytes())
    accepted = refused = 0
    for line in Path(cases).read_text(encoding="ascii").splitlines():
        name, data, ours = line.split(" ")
        found = difference(known[name], bytes.fromhex(data), ours)
        if found is not None:
            print(f"{name} {data}: Baton says {ours}; {found}")
        elif ours.startswith("!"):
            refused += 1
        else:
            accepted += 1
    print(f"accepted {accepted} refused {refused}")


if __name__ == "__main__":
    main(*sys.argv[1:])
