import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import NIOPosix
import PeerMessages

/// The peer in Swift: the unary method of echo.proto on grpc-swift-2 and its SwiftNIO transport,
/// registered as its generated code does.
///
/// usage: GRPCSwiftEcho PORT     (0: the system chooses); prints `READY`.
@main
struct GRPCSwiftEcho: RegistrableRPCService {
  static func main() async throws {
    let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
      config: .defaults, eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
    let server = GRPCServer(transport: transport, services: [GRPCSwiftEcho()])
    print("READY")
    try await server.serve()
  }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: MethodDescriptor(
        service: ServiceDescriptor(fullyQualifiedService: "rpc.bench.Echo"), method: "Unary"),
      deserializer: ProtobufDeserializer<Rpc_Bench_EchoMessage>(),
      serializer: ProtobufSerializer<Rpc_Bench_EchoMessage>(),
      handler: { request, _ in
        let request = try await ServerRequest(stream: request)
        return StreamingServerResponse(single: ServerResponse(message: request.message))
      })
  }
}
