import Foundation
import GRPC
import Messages
import Plan
import PlanMapping
import Stubs
import Testing

@Suite("TLS", .timeLimit(.minutes(3)))
struct TLSTests {
  /// Certificates in a folder, made with openssl.
  private static func make(_ folder: URL, _ arguments: String...) async throws {
    let process = Process()
    process.executableURL = Program.root.appending(path: "Tests/certificates.sh")
    process.arguments = [folder.path] + arguments
    let (ended, continuation) = AsyncStream<Int32>.makeStream()
    process.terminationHandler = {
      continuation.yield($0.terminationStatus)
      continuation.finish()
    }
    try process.run()
    for await status in ended { try #require(status == 0) }
  }

  private static func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "baton-tls-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
  }

  private static let clientFlags = [
    "--tls-ca", "ca.pem", "--tls-certificate", "client.pem", "--tls-key", "client.key",
  ]
  private static let peerFlags = [
    "--tls-certificate", "server.pem", "--tls-key", "server.key", "--tls-client-ca", "ca.pem",
    "--tls-ca", "ca.pem",
  ]

  private static let plan = """
    name: over-tls
    tasks:
      - {id: first, type: mock}
      - {id: second, type: graph, adapter: langchain, depends_on: [first], payload: {entrypoint: \
    "examples.archive:graph", input: {topic: tea}}}
    """

  @Test("server, adapters in Swift and Python, and commands speak mutual TLS with each other")
  func everybody() async throws {
    try await Self.withFolder { folder in
      try await Self.make(folder, "set")
      let server = try await Program(
        Program.built("baton"),
        ["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory"]
          + ["--routes", "{default: [mock]}"] + Self.peerFlags,
        log: folder.appending(path: "server.log"), folder: folder)
      let address = "https://\(server.field("grpc"))"
      let mock = try await Program(
        Program.built("baton-mock-adapter"),
        ["--orchestrator", address, "--shutdown", "hand_back"] + Self.peerFlags,
        log: folder.appending(path: "mock.log"), folder: folder)
      let sidecar = try await Program(
        Program.sidecar("langchain"),
        [
          "--config", try Self.sidecarConfiguration(folder, address).path,
        ], log: folder.appending(path: "langchain.log"), folder: Program.root)

      func command(_ arguments: String...) async throws -> CommandResult {
        try await baton(arguments, server: address, folder: folder)
      }
      try await eventually("both adapters are registered") {
        let listed = try await baton(
          ["adapters"] + Self.clientFlags, server: address, folder: folder)
        return listed.output.contains("mock-1") && listed.output.contains("langchain-1")
          && listed.output.contains("https://127.0.0.1:")
      }
      try Self.plan.write(
        to: folder.appending(path: "plan.yaml"), atomically: true, encoding: .utf8)
      let submitted = try await baton(
        ["submit", "plan.yaml", "--watch"] + Self.clientFlags, server: address, folder: folder)
      #expect(submitted.status == 0, "\(submitted.output)\(submitted.errors)")

      // Who has no certificate, and who trusts nobody's, is told so.
      let stranger = try await command("list", "--tls-ca", "ca.pem")
      #expect(stranger.status == 69)
      #expect(stranger.errors.contains("asks for a certificate, and none was presented"))
      let cleartext = try await baton(["list"], server: server.field("grpc"), folder: folder)
      #expect(cleartext.status == 69)
      #expect(cleartext.errors.contains("speaks TLS, and it was called without"))
      #expect(cleartext.errors.contains("Write --server \(address)"))
      let distrusting = try await command("list")
      #expect(distrusting.errors.contains("not signed by a trusted authority"))
      #expect(distrusting.errors.contains("--tls-ca names the authorities"))
      let keyless = try await command("list", "--tls-certificate", "client.pem")
      #expect(keyless.status == 64)
      #expect(keyless.errors.contains("--tls-key is missing; --tls-certificate is given"))
      // The operator sees it too.
      let log = try String(contentsOf: folder.appending(path: "server.log"), encoding: .utf8)
      #expect(log.contains("tls_refused"))

      // New certificates are taken on a SIGHUP, and broken ones are not.
      try await Self.make(folder, "issue", "other-ca", "server", "IP:127.0.0.1")
      _ = kill(server.pid, SIGHUP)
      try await eventually("the server has the new certificate") {
        try await command(
          "list", "--tls-ca", "other-ca.pem", "--tls-certificate", "client.pem", "--tls-key",
          "client.key"
        ).status == 0
      }
      #expect(await sidecar.terminate() == 0)
      #expect(await mock.terminate() == 0)
      #expect(await server.terminate() == 0)
    }
  }

  private static func sidecarConfiguration(_ folder: URL, _ orchestrator: String) throws -> URL {
    let file = folder.appending(path: "langchain.yaml")
    func path(_ name: String) -> String { folder.appending(path: name).path }
    try """
    orchestrator: \(orchestrator)
    instance: langchain-1
    listen: 127.0.0.1:0
    data: \(path("langchain-data"))
    results: poll
    entrypoints: ["examples.*"]
    tls:
      certificate: \(path("server.pem"))
      key: \(path("server.key"))
      ca: \(path("ca.pem"))
      client_ca: \(path("ca.pem"))
    """.write(to: file, atomically: true, encoding: .utf8)
    return file
  }

  @Test("a command that speaks TLS says that its server does not")
  func noTLS() async throws {
    let stage = try await Stage(store: "memory")
    let result = try await baton(
      ["list"], server: "https://\(stage.address)", folder: stage.folder)
    #expect(result.status == 69)
    #expect(result.errors.contains("the server at \(stage.address) does not speak TLS"))
    #expect(result.errors.contains("Write --server \(stage.address) (BATON_SERVER)"))
    await stage.close()
  }

  @Test("cleartext beyond this machine needs a word, and certificates that can be used")
  func refusals() async throws {
    try await Self.withFolder { folder in
      try await Self.make(folder, "set")
      for (arguments, words) in [
        (["serve", "--listen", "0.0.0.0:0"], "`insecure: true`"),
        (["serve", "--tls-certificate", "server.pem"], "tls.key: missing"),
        (
          ["serve", "--tls-certificate", "server.pem", "--tls-key", "encrypted.key"],
          "encrypted.key: the private key is encrypted"
        ),
        (
          ["serve", "--tls-certificate", "server.pem", "--tls-key", "client.key"],
          "client.key: the key does not belong to the certificate of server.pem"
        ),
        (["serve", "--tls-ca", "none.pem"], "none.pem: the file cannot be read"),
        (["list", "--server", "baton.test:7420"], "Write --server https://baton.test:7420"),
        (["list", "--server", "https://a:1", "--tls-ca", "none.pem"], "none.pem: the file cannot"),
      ] {
        let result = try await baton(
          arguments
            + (arguments[0] == "serve" ? ["--store", "memory", "--http", "127.0.0.1:0"] : []),
          folder: folder)
        #expect(result.status == 64, "\(arguments): \(result.errors)")
        #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
      }
    }
  }

  @Test("an adapter on another machine without TLS is refused at registration")
  func cleartextAdapters() async throws {
    let stage = try await Stage(store: "memory")
    var request = BatonV1.RegisterAdapterRequest(
      adapter: "mock", instance: "mock-9", address: "adapter.test:7000", taskTypes: ["mock"],
      maxConcurrency: 1, protocolVersion: 1, runs: BatonV1.RunList(epoch: "1"))
    let error = await #expect(throws: RPCError.self) {
      _ = try await stage.registry.registerAdapter(request)
    }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.reason == "INSECURE_ADDRESS")
    request.address = "https://adapter.test:7000"
    _ = try await stage.registry.registerAdapter(request)
    await stage.close()
  }
}
