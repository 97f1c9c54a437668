/// A proto file as reflection hands it out.
public struct ProtoFile: Sendable, Equatable {
  /// The name by which other files import it: "baton/v1/plan.proto".
  public let name: String
  /// Names of the files that it imports.
  public let dependencies: [String]
  /// The serialized `google.protobuf.FileDescriptorProto`, without comments.
  public let descriptor: [UInt8]

  public init(name: String, dependencies: [String], descriptor: [UInt8]) {
    self.name = name
    self.dependencies = dependencies
    self.descriptor = descriptor
  }

  /// For generated code: the descriptor in base64. Text that is no base64 gives an empty one.
  public init(name: String, dependencies: [String], base64 descriptor: String) {
    var text = descriptor
    self.init(
      name: name, dependencies: dependencies,
      descriptor: text.withUTF8 { Base64.decode(UnsafeRawBufferPointer($0)) ?? [] })
  }
}
