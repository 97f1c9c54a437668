/// Emits one Swift file per proto file with services: for each a protocol that servers implement,
/// and a client.
struct StubsGenerator {
  let schema: Schema

  func files() throws(GenerationError) -> [GeneratedFile] {
    var names: [String: String] = [:]
    for file in schema.files {
      for service in file.services {
        if let other = names.updateValue(file.name, forKey: service.name) {
          throw GenerationError(
            message: "\(file.name): a service \(service.name) is in \(other) too; rename one")
        }
      }
    }
    return schema.files.filter { !$0.services.isEmpty }.map { file in
      GeneratedFile(name: generatedName(file, suffix: "Stubs"), content: source(file))
    }
  }

  private func source(_ file: ProtoFile) -> String {
    var out = SourceText()
    out.line(fileHeader(file))
    out.line("public import GRPC")
    out.line("public import Messages")
    for service in file.services {
      emitServer(service, &out)
      emitClient(service, &out)
    }
    return out.text
  }

  private func name(_ method: ProtoMethod) -> String {
    SwiftName.escaped(SwiftName.lowerCamel(method.name))
  }

  private func descriptor(_ method: ProtoMethod) -> String {
    "\(SwiftName.lowerCamel(method.name))Method"
  }

  private func comment(_ service: ProtoService, _ sentence: String) -> String {
    service.comment.isEmpty ? sentence : "\(sentence)\n\n\(service.comment)"
  }

  // MARK: Server

  private func emitServer(_ service: ProtoService, _ out: inout SourceText) {
    out.line()
    out.comment(comment(service, "Server side of `\(service.fullName)`."))
    out.block("public protocol \(service.name)Service: GRPCService") { out in
      for (index, method) in service.methods.enumerated() {
        if index > 0 { out.line() }
        emitRequirement(method, &out)
      }
    }
    out.line()
    out.block("extension \(service.name)Service") { out in
      out.comment("The methods of `\(service.fullName)`, as a server takes them.")
      out.block("public var methods: [MethodHandler]") { out in
        out.line("[")
        for method in service.methods { emitHandler(service, method, &out) }
        out.line("]")
      }
    }
  }

  private func emitRequirement(_ method: ProtoMethod, _ out: inout SourceText) {
    let request = "_ request: \(schema.swiftType(method.request))"
    let response = schema.swiftType(method.response)
    out.comment(method.comment)
    if method.isServerStreaming {
      out.line("func \(name(method))(\(request), responses: ResponseWriter<\(response)>,")
      out.line("context: ServerContext) async throws")
    } else {
      out.line("func \(name(method))(\(request), context: ServerContext) async throws")
      out.line("-> \(response)")
    }
  }

  private func emitHandler(
    _ service: ProtoService, _ method: ProtoMethod, _ out: inout SourceText
  ) {
    let descriptor = "\(service.name)Client.\(descriptor(method))"
    if method.isServerStreaming {
      out.line(".serverStreaming(\(descriptor)) { request, responses, context in")
      out.line(
        "try await self.\(name(method))(request, responses: responses, context: context)")
    } else {
      out.line(".unary(\(descriptor)) { request, context in")
      out.line("try await self.\(name(method))(request, context: context)")
    }
    out.line("},")
  }

  // MARK: Client

  private func emitClient(_ service: ProtoService, _ out: inout SourceText) {
    out.line()
    out.comment(comment(service, "Client of `\(service.fullName)`."))
    out.block("public struct \(service.name)Client: Sendable") { out in
      out.comment("The channel that carries the calls.")
      out.line("public let channel: ClientChannel")
      out.line()
      out.line("public init(_ channel: ClientChannel) { self.channel = channel }")
      for method in service.methods { emitCall(method, &out) }
      for method in service.methods {
        out.line()
        out.comment("Names `\(service.fullName)/\(method.name)`.")
        out.line("public static let \(descriptor(method)) = MethodDescriptor(")
        out.line("service: \"\(service.fullName)\", method: \"\(method.name)\")")
      }
    }
  }

  private func emitCall(_ method: ProtoMethod, _ out: inout SourceText) {
    let response = schema.swiftType(method.response)
    let (call, result) =
      method.isServerStreaming
      ? ("serverStreaming", "ResponseStream<\(response)>") : ("unary", response)
    out.line()
    out.comment(method.comment)
    out.line("public func \(name(method))(_ request: \(schema.swiftType(method.request)),")
    out.block("options: CallOptions = CallOptions()) async throws -> \(result)") {
      $0.line("try await channel.\(call)(Self.\(descriptor(method)), request, options)")
    }
  }
}
