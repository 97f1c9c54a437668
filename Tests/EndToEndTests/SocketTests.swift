import Foundation
import Messages
import Plan
import Testing

/// Sidecars in the same pod: every address is a Unix domain socket.
@Suite("Sockets", .timeLimit(.minutes(2)))
struct SocketTests {
  private static func plan() throws -> Plan {
    try Plan.reading(
      """
      {"tasks":[{"id":"a","type":"prompt","payload":{"prompt":"Name a colour."},
       "retry":{"max_attempts":1}}]}
      """)
  }

  @Test("an adapter in Swift over sockets", arguments: ["callback", "poll"])
  func swift(results: String) async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"], socket: true)
    #expect(stage.address.hasPrefix("unix:/"))
    let listen = "unix:\(stage.folder.appending(path: "mock.sock").path)"
    try await stage.mock(["--listen", listen, "--results", results])
    let events = try await stage.follow(try await stage.submit(Self.plan()))
    #expect(events.last?.kind == "plan_completed")
    await stage.close()
  }

  /// There is no model: that the task fails with the adapter's own code shows the way both ways.
  @Test("an adapter in Python over sockets", arguments: ["callback", "poll"])
  func python(results: String) async throws {
    let stage = try await Stage(["--routes", "{default: [langchain]}"], socket: true)
    let listen = "unix:\(stage.folder.appending(path: "langchain.sock").path)"
    try await stage.sidecar(
      "langchain", results: results, model: "http://127.0.0.1:9/v1", listen: listen)
    let events = try await stage.follow(try await stage.submit(Self.plan()))
    #expect(events.filter { $0.kind == "task_failed" }.map(\.code) == ["CONNECTION_FAILED"])
    await stage.close()
  }
}
