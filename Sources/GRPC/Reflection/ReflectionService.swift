internal import Messages

/// Tells clients what a server serves, so that they can call it without its proto files:
/// grpc.reflection.v1 and v1alpha (github.com/grpc/grpc, doc/server-reflection.md). Whoever can call
/// a server can read all of it.
public struct ReflectionService: GRPCService {
  /// Both versions of the protocol; they differ in their names alone, so the messages of one serve
  /// the other.
  public static let names = [
    "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
  ]

  private let index: ReflectionIndex

  /// - Parameters:
  ///   - files: what may be asked for, with the files that they import.
  ///   - services: full names, as clients are to see them.
  public init(files: [ProtoFile], services: [String]) {
    index = ReflectionIndex(files: files, services: services)
  }

  /// Reflection over the services of a server, and itself.
  public init(files: [ProtoFile], serving services: [any GRPCService]) {
    let served = Set(services.flatMap(\.methods).map(\.descriptor.service))
    self.init(files: files, services: served.union(Self.names).sorted())
  }

  public var methods: [MethodHandler] {
    Self.names.map { name in
      .bidirectionalStreaming(MethodDescriptor(service: name, method: "ServerReflectionInfo")) {
        (
          requests: RequestStream<GrpcReflectionV1.ServerReflectionRequest>,
          responses: ResponseWriter<GrpcReflectionV1.ServerReflectionResponse>, _
        ) in
        for try await request in requests {
          try await responses.write(index.response(to: request))
        }
      }
      .endingAtShutdown()
    }
  }
}
