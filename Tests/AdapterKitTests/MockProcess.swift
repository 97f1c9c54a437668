import Foundation
import GRPC
import JSON
import Messages
import Stubs
import Testing

/// A process of the mock adapter, and a client of it.
final class MockProcess {
  let ready: JSONValue
  let client: ExecutionAdapterClient
  private let process = Process()
  private let ended = Mailbox<Int32>()
  private let ledgerPath: String

  init(_ orchestrator: String, folder: TemporaryFolder, _ arguments: [String] = []) async throws {
    ledgerPath = folder.path + "/ledger.jsonl"
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    process.executableURL = Self.executable
    process.arguments =
      ["--orchestrator", orchestrator, "--ledger", ledgerPath, "--log-level", "error"] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.terminationHandler = { [ended] in ended.add($0.terminationStatus) }
    try process.run()
    ready = try await Self.ready(output.fileHandleForReading)
    client = ExecutionAdapterClient(
      try ClientChannel(target: ready["grpc"]?.stringValue ?? ""))
  }

  /// The exit code of a process that does not become ready.
  static func exitCode(_ arguments: [String]) async throws -> Int32 {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let ended = Mailbox<Int32>()
    process.terminationHandler = { ended.add($0.terminationStatus) }
    try process.run()
    return try await ended.item(0)
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Beside the bundle of the tests.
  private static var executable: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("baton-mock-adapter")
  }

  private static func ready(_ output: FileHandle) async throws -> JSONValue {
    let lines = Mailbox<String>()
    // A thread of its own: reading blocks.
    Thread.detachNewThread {
      var bytes: [UInt8] = []
      while let byte = output.readData(ofLength: 1).first, byte != UInt8(ascii: "\n") {
        bytes.append(byte)
      }
      lines.add(String(decoding: bytes, as: UTF8.self))
    }
    let line = try await lines.item(0)
    try #require(line.hasPrefix("READY "))
    return try JSONValue(parsing: String(line.dropFirst("READY ".count)))
  }

  func end(by number: Int32) async throws -> Int32 {
    kill(process.processIdentifier, number)
    return try await exitCode()
  }

  func exitCode() async throws -> Int32 { try await ended.item(0) }

  func dispatch(
    _ key: String, _ attempt: Int32 = 1, token: Int64, delivery: Int32 = 1,
    _ script: [String: String] = [:], timeoutMilliseconds: Int64 = 0
  ) async throws {
    var request = BatonV1.DispatchTaskRequest()
    request.planId = "plan"
    request.taskId = key
    request.type = "prompt"
    request.attempt = attempt
    request.delivery = delivery
    request.token = token
    request.idempotencyKey = "plan/\(key)/0"
    request.timeoutMs = timeoutMilliseconds
    request.metadata = script
    _ = try await client.dispatchTask(request)
  }

  /// Lines as "EVENT TASK#ATTEMPT CODE", in order.
  func ledger() throws -> [String] {
    try String(contentsOfFile: ledgerPath, encoding: .utf8).split(separator: "\n").map { line in
      let json = try JSONValue(parsing: String(line))
      for key in ["time_ms", "delivery", "token", "pid"] {
        #expect(json[key]?.integerValue != nil, "\(key) of \(line)")
      }
      #expect(json["plan_id"] == .string("plan"))
      #expect(json["key"] == .string("plan/\(json["task_id"]?.stringValue ?? "")/0"))
      let words = ["event", "task_id", "code"].map { json[$0]?.stringValue ?? "" }
      return "\(words[0]) \(words[1])#\(json["attempt"]?.integerValue ?? 0) \(words[2])"
        .trimmingCharacters(in: .whitespaces)
    }
  }
}
