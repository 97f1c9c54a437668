internal import Messages

/// What a server knows of itself, and its answers.
struct ReflectionIndex: Sendable {
  /// Full names, sorted.
  let services: [String]
  private let files: [String: ProtoFile]
  /// Name of the file that defines a symbol, by the symbol's full name.
  private let fileOfSymbol: [String: String]
  private let messages: Set<String>

  init(files: [ProtoFile], services: [String]) {
    self.services = services.sorted()
    self.files = Dictionary(files.map { ($0.name, $0) }) { first, _ in first }
    var fileOfSymbol: [String: String] = [:]
    var messages: Set<String> = []
    for file in files {
      let symbols = DescriptorSymbols(file: file.descriptor)
      for name in symbols.names { fileOfSymbol[name] = file.name }
      messages.formUnion(symbols.messages)
    }
    self.fileOfSymbol = fileOfSymbol
    self.messages = messages
  }

  /// The answer to one request of the stream. What is not there is an answer too, and does not end
  /// the stream (grpc/reflection/v1/reflection.proto, "ServerReflectionResponse").
  func response(
    to request: GrpcReflectionV1.ServerReflectionRequest
  ) -> GrpcReflectionV1.ServerReflectionResponse {
    GrpcReflectionV1.ServerReflectionResponse(
      validHost: request.host, originalRequest: request, messageResponse: answer(to: request))
  }

  private func answer(
    to request: GrpcReflectionV1.ServerReflectionRequest
  ) -> GrpcReflectionV1.ServerReflectionResponse.MessageResponse {
    switch request.messageRequest {
    case .listServices:
      .listServicesResponse(
        GrpcReflectionV1.ListServiceResponse(
          service: services.map { GrpcReflectionV1.ServiceResponse(name: $0) }))
    case .fileByFilename(let name):
      files[name].map(descriptors) ?? notFound("there is no file \"\(name)\" here")
    case .fileContainingSymbol(let name):
      fileOfSymbol[name].flatMap { files[$0] }.map(descriptors)
        ?? notFound("there is no \"\(name)\" here")
    case .fileContainingExtension(let extended):
      // proto3 has none but those of options, which nothing here uses.
      notFound("\"\(extended.containingType)\" has no extension \(extended.extensionNumber) here")
    case .allExtensionNumbersOfType(let name):
      messages.contains(name)
        ? .allExtensionNumbersResponse(
          GrpcReflectionV1.ExtensionNumberResponse(baseTypeName: name))
        : notFound("there is no message \"\(name)\" here")
    case nil:
      error(.invalidArgument, "the request asks for nothing that this server knows")
    }
  }

  /// The file, and then every file that it needs, each once.
  private func descriptors(
    of file: ProtoFile
  ) -> GrpcReflectionV1.ServerReflectionResponse.MessageResponse {
    var found = [file]
    var seen: Set = [file.name]
    var next = 0
    while next < found.count {
      for name in found[next].dependencies where seen.insert(name).inserted {
        if let dependency = files[name] { found.append(dependency) }
      }
      next += 1
    }
    return .fileDescriptorResponse(
      GrpcReflectionV1.FileDescriptorResponse(fileDescriptorProto: found.map(\.descriptor)))
  }

  private func notFound(
    _ message: String
  ) -> GrpcReflectionV1.ServerReflectionResponse.MessageResponse {
    error(.notFound, message)
  }

  private func error(
    _ code: StatusCode, _ message: String
  ) -> GrpcReflectionV1.ServerReflectionResponse.MessageResponse {
    .errorResponse(
      GrpcReflectionV1.ErrorResponse(errorCode: Int32(code.rawValue), errorMessage: message))
  }
}
