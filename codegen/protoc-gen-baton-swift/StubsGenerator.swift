/// Emits one Swift file per proto file with services: for each a protocol that servers implement,
/// and a client; and one file with the descriptors of the proto files.
struct StubsGenerator {
  let schema: Schema
  let options: Options

  func files() throws(GenerationError) -> [GeneratedFile] {
    var result = [DescriptorEmitter(schema: schema, options: options).file()]
    var names: [String: String] = [:]
    for file in schema.files where !file.services.isEmpty {
      for service in file.services {
        let name = schema.swiftName(service)
        if let other = names.updateValue(file.name, forKey: name) {
          throw GenerationError(
            message: "\(file.name): a service named \(name) in Swift is in \(other) too; rename one"
          )
        }
      }
      let name = generatedName(file, suffix: "Stubs")
      result.append(GeneratedFile(name: name, content: source(file)))
    }
    return result
  }

  private func source(_ file: ProtoFile) -> String {
    var out = SourceText()
    out.line(fileHeader(file))
    out.line("public import GRPC")
    out.line("public import \(options.messagesModule)")
    for service in file.services {
      ServerEmitter(schema: schema, file: file, service: service).emit(&out)
      ClientEmitter(schema: schema, service: service).emit(&out)
    }
    return out.text
  }
}

extension ProtoMethod {
  /// The Swift function, escaped.
  var swiftName: String { SwiftName.escaped(SwiftName.lowerCamel(name)) }
  /// The client's constant that names the method.
  var descriptorName: String { "\(SwiftName.lowerCamel(name))Method" }
}

extension ProtoService {
  func comment(after sentence: String) -> String {
    comment.isEmpty ? sentence : "\(sentence)\n\n\(comment)"
  }
}

/// Emits the protocol that a server implements, and its methods as a server takes them.
private struct ServerEmitter {
  let schema: Schema
  let file: ProtoFile
  let service: ProtoService

  private var name: String { schema.swiftName(service) }

  func emit(_ out: inout SourceText) {
    out.line()
    out.comment(service.comment(after: "Server side of `\(service.fullName)`."))
    out.block("public protocol \(name)Service: GRPCService") { out in
      for (index, method) in service.methods.enumerated() {
        if index > 0 { out.line() }
        emitRequirement(method, &out)
      }
    }
    out.line()
    out.block("extension \(name)Service") { out in
      out.comment("The proto file that defines `\(service.fullName)`, for reflection.")
      out.block("public var protoFile: ProtoFile") {
        $0.line(".\(DescriptorEmitter.constant(file))")
      }
      out.line()
      out.comment("The methods of `\(service.fullName)`, as a server takes them.")
      out.block("public var methods: [MethodHandler]") { out in
        out.line("[")
        for method in service.methods { emitHandler(method, &out) }
        out.line("]")
      }
    }
  }

  private func emitRequirement(_ method: ProtoMethod, _ out: inout SourceText) {
    let request = schema.swiftType(method.request)
    let response = schema.swiftType(method.response)
    let first =
      method.isClientStreaming ? "_ requests: RequestStream<\(request)>" : "_ request: \(request)"
    out.comment(method.comment)
    if method.isServerStreaming {
      out.line("func \(method.swiftName)(\(first), responses: ResponseWriter<\(response)>,")
      out.line("context: ServerContext) async throws")
    } else {
      out.line("func \(method.swiftName)(\(first), context: ServerContext) async throws")
      out.line("-> \(response)")
    }
  }

  private func emitHandler(_ method: ProtoMethod, _ out: inout SourceText) {
    let first = method.isClientStreaming ? "requests" : "request"
    let (kind, arguments, labelled) =
      switch (method.isClientStreaming, method.isServerStreaming) {
      case (false, false): ("unary", first, first)
      case (false, true):
        ("serverStreaming", "\(first), responses", "\(first), responses: responses")
      case (true, false): ("clientStreaming", first, first)
      case (true, true):
        ("bidirectionalStreaming", "\(first), responses", "\(first), responses: responses")
      }
    out.line(".\(kind)(\(name)Client.\(method.descriptorName)) { \(arguments), context in")
    out.line("try await self.\(method.swiftName)(\(labelled), context: context)")
    out.line("},")
  }
}

/// Emits the client.
private struct ClientEmitter {
  let schema: Schema
  let service: ProtoService

  func emit(_ out: inout SourceText) {
    out.line()
    out.comment(service.comment(after: "Client of `\(service.fullName)`."))
    out.block("public struct \(schema.swiftName(service))Client: Sendable") { out in
      out.comment("The channel that carries the calls.")
      out.line("public let channel: ClientChannel")
      out.line()
      out.line("public init(_ channel: ClientChannel) { self.channel = channel }")
      for method in service.methods { emitCall(method, &out) }
      for method in service.methods {
        out.line()
        out.comment("Names `\(service.fullName)/\(method.name)`.")
        out.line("public static let \(method.descriptorName) = MethodDescriptor(")
        out.line("service: \"\(service.fullName)\", method: \"\(method.name)\")")
      }
    }
  }

  private func emitCall(_ method: ProtoMethod, _ out: inout SourceText) {
    let request = schema.swiftType(method.request)
    let response = schema.swiftType(method.response)
    let (call, result) =
      switch (method.isClientStreaming, method.isServerStreaming) {
      case (false, false): ("unary", response)
      case (false, true): ("serverStreaming", "ResponseStream<\(response)>")
      case (true, false): ("clientStreaming", "ClientStreamingCall<\(request), \(response)>")
      case (true, true):
        ("bidirectionalStreaming", "BidirectionalCall<\(request), \(response)>")
      }
    out.line()
    out.comment(method.comment)
    let options = "options: CallOptions = CallOptions()"
    if method.isClientStreaming {
      out.block("public func \(method.swiftName)(\(options)) async throws -> \(result)") {
        $0.line("try await channel.\(call)(Self.\(method.descriptorName), options)")
      }
    } else {
      out.line("public func \(method.swiftName)(_ request: \(request),")
      out.block("\(options)) async throws -> \(result)") {
        $0.line("try await channel.\(call)(Self.\(method.descriptorName), request, options)")
      }
    }
  }
}
