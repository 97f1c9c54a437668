/// A proto file as the generators see it: values only, names resolved to full names without the
/// leading dot ("baton.v1.Plan").
struct ProtoFile {
  var name: String
  var package: String
  /// "proto2" or "proto3".
  var syntax: String
  /// Names of the imported files.
  var dependencies: [String]
  /// The `FileDescriptorProto` without comments, serialized.
  var descriptor: [UInt8]
  var messages: [ProtoMessage]
  var enums: [ProtoEnum]
  var services: [ProtoService]
  var extensions: [ProtoField]
  /// Place among the files whose output is wanted; nil for a file that is only imported.
  var outputIndex: Int?
}

struct ProtoMessage {
  var fullName: String
  /// Name without package and outer messages.
  var name: String
  var comment: String
  var fields: [ProtoField]
  var oneofs: [ProtoOneof]
  var messages: [ProtoMessage]
  var enums: [ProtoEnum]
  var extensions: [ProtoField]
  var hasExtensionRanges: Bool
  /// Made by protoc for a map field.
  var isMapEntry: Bool
}

struct ProtoField {
  var name: String
  var number: Int32
  var kind: FieldKind
  var isRepeated: Bool
  /// Repeated numbers go in one field, all in a row: the default, of numbers alone.
  var isPacked: Bool
  var comment: String
  /// Index into the message's oneofs.
  var oneofIndex: Int?
  /// Full name of the message or enum; empty for scalars.
  var typeName: String
  /// Marked `optional` in proto3.
  var isExplicitlyOptional: Bool
}

struct ProtoOneof {
  var name: String
  var comment: String
}

struct ProtoEnum {
  var fullName: String
  var name: String
  var comment: String
  var values: [ProtoEnumValue]
}

struct ProtoEnumValue {
  var name: String
  var number: Int32
  var comment: String
}

struct ProtoService {
  var fullName: String
  var name: String
  var comment: String
  var methods: [ProtoMethod]
}

struct ProtoMethod {
  var name: String
  var comment: String
  /// Full names of messages.
  var request: String
  var response: String
  var isClientStreaming: Bool
  var isServerStreaming: Bool
}

/// `FieldDescriptorProto.Type`, with its numbers.
enum FieldKind: Int32 {
  case double = 1
  case float = 2
  case int64 = 3
  case uint64 = 4
  case int32 = 5
  case fixed64 = 6
  case fixed32 = 7
  case bool = 8
  case string = 9
  case group = 10
  case message = 11
  case bytes = 12
  case uint32 = 13
  case `enum` = 14
  case sfixed32 = 15
  case sfixed64 = 16
  case sint32 = 17
  case sint64 = 18
}

/// What the plugin was asked for.
struct GenerationRequest {
  /// Everything after `--baton-swift_opt=`.
  var parameter: String
  var files: [ProtoFile]
}

/// A file the plugin hands back.
struct GeneratedFile {
  var name: String
  var content: String
}

/// Why nothing was generated: a sentence that names the file and what in it is meant.
struct GenerationError: Error {
  var message: String
}
