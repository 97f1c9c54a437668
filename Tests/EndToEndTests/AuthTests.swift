import Foundation
import GRPC
import Messages
import Stubs
import Testing

@Suite("Tokens", .timeLimit(.minutes(2)))
struct AuthTests {
  private static func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "baton-auth-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
  }

  private static func write(_ text: String, to name: String, in folder: URL) throws {
    try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
  }

  private static func start(_ folder: URL) async throws -> Program {
    try await Program(
      Program.built("baton"),
      [
        "serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory",
        "--routes", "{default: [mock]}", "--auth-tokens-file", "tokens",
      ], log: folder.appending(path: "server.log"), folder: folder)
  }

  @Test("commands and adapters need a token; health does not; SIGHUP brings new ones")
  func everybody() async throws {
    try await Self.withFolder { folder in
      try Self.write("# for operators\noperator-1\n\nadapter-1\n", to: "tokens", in: folder)
      try Self.write("operator-1\n", to: "operator", in: folder)
      try Self.write("adapter-1\n", to: "adapter", in: folder)
      let server = try await Self.start(folder)
      let address = server.field("grpc")
      func list(_ arguments: String...) async throws -> CommandResult {
        try await baton(
          ["list", "-o", "json"] + arguments, server: address, folder: folder)
      }
      let refused = try await list()
      #expect(refused.status != 0 && refused.errors.contains("TOKEN_MISSING"))
      #expect(try await list("--token-file", "operator").status == 0)
      let health = try await baton(["health"], server: address, folder: folder)
      #expect(health.status == 0, "\(health.errors)")

      // Adapters in Swift and in Python: a file, and the token itself.
      let mock = try await Program(
        Program.built("baton-mock-adapter"),
        ["--orchestrator", address, "--token-file", "adapter", "--shutdown", "hand_back"],
        log: folder.appending(path: "mock.log"), folder: folder)
      let sidecar = try await Program(
        Program.sidecar("langchain"),
        [
          "--orchestrator", address, "--listen", "127.0.0.1:0",
          "--data", folder.appending(path: "langchain-data").path,
        ], environment: ["BATON_TOKEN": "adapter-1"], log: folder.appending(path: "sidecar.log"),
        folder: folder)
      try await eventually("both adapters are registered") {
        let listed = try await baton(
          ["adapters", "--token-file", "operator"], server: address, folder: folder)
        return listed.output.contains("mock-1") && listed.output.contains("langchain-1")
      }

      try Self.write("operator-2\nadapter-1\n", to: "tokens", in: folder)
      try Self.write("operator-2", to: "next", in: folder)
      _ = kill(server.pid, SIGHUP)
      try await eventually("the old token is refused") {
        try await list("--token-file", "operator").errors.contains("TOKEN_REFUSED")
      }
      #expect(try await list("--token-file", "next").status == 0)
      // A file that cannot be used changes nothing.
      try Self.write("two words\n", to: "tokens", in: folder)
      _ = kill(server.pid, SIGHUP)
      let log = folder.appending(path: "server.log")
      try await eventually("the broken file is complained of") {
        try String(contentsOf: log, encoding: .utf8).contains("tokens_unusable")
      }
      #expect(try await list("--token-file", "next").status == 0)
      for program in [mock, sidecar, server] { #expect(await program.terminate() == 0) }
    }
  }

  @Test("a file of tokens that is missing, empty or malformed ends the server with 64")
  func badFiles() async throws {
    try await Self.withFolder { folder in
      for (text, words) in [
        (nil, "cannot be read"), ("# nobody\n", "no token in the file"), ("a b\n", "tokens:1:"),
      ] {
        if let text { try Self.write(text, to: "tokens", in: folder) }
        let result = try await baton(
          [
            "serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory",
            "--auth-tokens-file", "tokens",
          ], folder: folder)
        #expect(result.status == 64)
        #expect(result.errors.contains(words), "\(result.errors)")
      }
    }
  }
}
