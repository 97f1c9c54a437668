import CDescriptor
import CProtobufC
import Foundation

/// Reads a serialized `CodeGeneratorRequest` (google/protobuf/compiler/plugin.proto).
func readRequest(_ bytes: [UInt8]) throws(GenerationError) -> GenerationRequest {
  let request = google__protobuf__compiler__code_generator_request__unpack(
    nil, bytes.count, bytes)
  guard let request else {
    throw GenerationError(message: "the input is not a CodeGeneratorRequest")
  }
  defer { google__protobuf__compiler__code_generator_request__free_unpacked(request, nil) }
  let wanted = (0..<request.pointee.n_file_to_generate).map { index in
    text(request.pointee.file_to_generate[index])
  }
  let files = try values(request.pointee.n_proto_file, request.pointee.proto_file) {
    (file, _) throws(GenerationError) in try FileReader(file).read(outputOrder: wanted)
  }
  return GenerationRequest(parameter: text(request.pointee.parameter), files: files)
}

/// Serializes a `CodeGeneratorResponse` that holds files, or an error alone.
func writeResponse(_ result: Result<[GeneratedFile], GenerationError>) -> [UInt8] {
  typealias Response = Google__Protobuf__Compiler__CodeGeneratorResponse
  typealias File = Google__Protobuf__Compiler__CodeGeneratorResponse__File
  var response = Response()
  google__protobuf__compiler__code_generator_response__init(&response)
  // FEATURE_PROTO3_OPTIONAL: protoc lets `optional` through, so that the refusal is ours and names
  // the field.
  response.has_supported_features = 1
  response.supported_features = 1
  var files: [GeneratedFile] = []
  switch result {
  case .success(let generated): files = generated
  case .failure(let error): response.error = strdup(error.message)
  }
  let structs = UnsafeMutablePointer<File>.allocate(capacity: max(files.count, 1))
  let pointers = UnsafeMutablePointer<UnsafeMutablePointer<File>?>.allocate(
    capacity: max(files.count, 1))
  for (index, file) in files.enumerated() {
    google__protobuf__compiler__code_generator_response__file__init(structs + index)
    structs[index].name = strdup(file.name)
    structs[index].content = strdup(file.content)
    pointers[index] = structs + index
  }
  response.n_file = files.count
  response.file = pointers
  defer {
    for index in files.indices {
      free(structs[index].name)
      free(structs[index].content)
    }
    free(response.error)
    structs.deallocate()
    pointers.deallocate()
  }
  let size = google__protobuf__compiler__code_generator_response__get_packed_size(&response)
  return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    guard let start = buffer.baseAddress else { return }
    count = google__protobuf__compiler__code_generator_response__pack(&response, start)
  }
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String {
  guard let pointer else { return "" }
  return String(cString: pointer)
}

private func typeName(_ pointer: UnsafePointer<CChar>?) -> String {
  let name = text(pointer)
  return name.hasPrefix(".") ? String(name.dropFirst()) : name
}

/// Maps a repeated field of messages; the closure also gets the index.
private func values<Struct, Value>(
  _ count: Int, _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>?,
  _ read: (UnsafeMutablePointer<Struct>, Int32) throws(GenerationError) -> Value
) throws(GenerationError) -> [Value] {
  var result: [Value] = []
  guard let pointers else { return result }
  for index in 0..<count {
    guard let pointer = pointers[index] else { continue }
    result.append(try read(pointer, Int32(index)))
  }
  return result
}

/// Turns one `FileDescriptorProto` into a `ProtoFile`.
private struct FileReader {
  let file: UnsafeMutablePointer<Google__Protobuf__FileDescriptorProto>
  /// Comments by path, `SourceCodeInfo.Location.path`.
  var comments: [[Int32]: String] = [:]

  init(_ file: UnsafeMutablePointer<Google__Protobuf__FileDescriptorProto>) {
    self.file = file
    guard let info = file.pointee.source_code_info else { return }
    for index in 0..<info.pointee.n_location {
      guard let location = info.pointee.location[index]?.pointee else { continue }
      let leading = text(location.leading_comments)
      let comment = leading.isEmpty ? text(location.trailing_comments) : leading
      guard !comment.isEmpty else { continue }
      let path = (0..<location.n_path).map { location.path[$0] }
      comments[path] = comment
    }
  }

  // The numbers in the paths are the field numbers of descriptor.proto.
  func read(outputOrder: [String]) throws(GenerationError) -> ProtoFile {
    let package = text(file.pointee.package)
    let syntax = text(file.pointee.syntax)
    return ProtoFile(
      name: text(file.pointee.name), package: package,
      syntax: syntax.isEmpty ? "proto2" : syntax,
      dependencies: (0..<file.pointee.n_dependency).map { text(file.pointee.dependency[$0]) },
      descriptor: descriptor(),
      messages: try values(file.pointee.n_message_type, file.pointee.message_type) {
        (message, index) throws(GenerationError) in
        try read(message, [4, index], in: package)
      },
      enums: try values(file.pointee.n_enum_type, file.pointee.enum_type) {
        (value, index) throws(GenerationError) in try read(value, [5, index], in: package)
      },
      services: try values(file.pointee.n_service, file.pointee.service) {
        (service, index) throws(GenerationError) in try read(service, [6, index], in: package)
      },
      extensions: try values(file.pointee.n_extension, file.pointee.extension) {
        (field, index) throws(GenerationError) in try read(field, [7, index])
      },
      outputIndex: outputOrder.firstIndex(of: text(file.pointee.name)))
  }

  private func descriptor() -> [UInt8] {
    var copy = file.pointee
    copy.source_code_info = nil
    let size = google__protobuf__file_descriptor_proto__get_packed_size(&copy)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      count = google__protobuf__file_descriptor_proto__pack(&copy, start)
    }
  }

  private func comment(_ path: [Int32]) -> String { comments[path] ?? "" }

  private func read(
    _ message: UnsafeMutablePointer<Google__Protobuf__DescriptorProto>, _ path: [Int32],
    in scope: String
  ) throws(GenerationError) -> ProtoMessage {
    let name = text(message.pointee.name)
    let fullName = scope.isEmpty ? name : "\(scope).\(name)"
    return ProtoMessage(
      fullName: fullName, name: name, comment: comment(path),
      fields: try values(message.pointee.n_field, message.pointee.field) {
        (field, index) throws(GenerationError) in try read(field, path + [2, index])
      },
      oneofs: try values(message.pointee.n_oneof_decl, message.pointee.oneof_decl) {
        (oneof, index) throws(GenerationError) in
        ProtoOneof(name: text(oneof.pointee.name), comment: comment(path + [8, index]))
      },
      messages: try values(message.pointee.n_nested_type, message.pointee.nested_type) {
        (nested, index) throws(GenerationError) in
        try read(nested, path + [3, index], in: fullName)
      },
      enums: try values(message.pointee.n_enum_type, message.pointee.enum_type) {
        (value, index) throws(GenerationError) in
        try read(value, path + [4, index], in: fullName)
      },
      extensions: try values(message.pointee.n_extension, message.pointee.extension) {
        (field, index) throws(GenerationError) in try read(field, path + [6, index])
      },
      hasExtensionRanges: message.pointee.n_extension_range > 0,
      isMapEntry: (message.pointee.options?.pointee.map_entry ?? 0) != 0)
  }

  private func read(
    _ field: UnsafeMutablePointer<Google__Protobuf__FieldDescriptorProto>, _ path: [Int32]
  ) throws(GenerationError) -> ProtoField {
    let name = text(field.pointee.name)
    let number = Int32(truncatingIfNeeded: field.pointee.type.rawValue)
    guard let kind = FieldKind(rawValue: number) else {
      throw GenerationError(
        message: "\(text(file.pointee.name)): field \(name) has the unknown type \(number)")
    }
    return ProtoField(
      name: name, number: field.pointee.number, kind: kind,
      isRepeated: field.pointee.label.rawValue == 3, isPacked: isPacked(field.pointee.options),
      comment: comment(path),
      oneofIndex: field.pointee.has_oneof_index != 0 ? Int(field.pointee.oneof_index) : nil,
      typeName: typeName(field.pointee.type_name),
      isExplicitlyOptional: field.pointee.proto3_optional != 0)
  }

  private func isPacked(
    _ options: UnsafeMutablePointer<Google__Protobuf__FieldOptions>?
  ) -> Bool {
    guard let options, options.pointee.has_packed != 0 else { return true }
    return options.pointee.packed != 0
  }

  private func read(
    _ value: UnsafeMutablePointer<Google__Protobuf__EnumDescriptorProto>, _ path: [Int32],
    in scope: String
  ) throws(GenerationError) -> ProtoEnum {
    let name = text(value.pointee.name)
    return ProtoEnum(
      fullName: scope.isEmpty ? name : "\(scope).\(name)", name: name, comment: comment(path),
      values: try values(value.pointee.n_value, value.pointee.value) {
        (item, index) throws(GenerationError) in
        ProtoEnumValue(
          name: text(item.pointee.name), number: item.pointee.number,
          comment: comment(path + [2, index]))
      })
  }

  private func read(
    _ service: UnsafeMutablePointer<Google__Protobuf__ServiceDescriptorProto>, _ path: [Int32],
    in scope: String
  ) throws(GenerationError) -> ProtoService {
    let name = text(service.pointee.name)
    return ProtoService(
      fullName: scope.isEmpty ? name : "\(scope).\(name)", name: name, comment: comment(path),
      methods: try values(service.pointee.n_method, service.pointee.method) {
        (method, index) throws(GenerationError) in
        ProtoMethod(
          name: text(method.pointee.name), comment: comment(path + [2, index]),
          request: typeName(method.pointee.input_type),
          response: typeName(method.pointee.output_type),
          isClientStreaming: method.pointee.client_streaming != 0,
          isServerStreaming: method.pointee.server_streaming != 0)
      })
  }
}
