import Foundation
import Testing

/// A program of the interop tests: one of ours, or a Python module of `Tests/python/interop`.
enum InteropProgram {
  case ours(String)
  case python(String)

  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A process that is yet to be started.
  func process(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.currentDirectoryURL = Self.root.appending(path: "Tests/python")
    switch self {
    case .ours(let name):
      let bundle =
        CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
      process.executableURL = URL(filePath: bundle).deletingLastPathComponent().appending(
        path: name)
      process.arguments = arguments
    case .python(let module):
      process.executableURL = Self.root.appending(path: ".venv-langchain/bin/python")
      process.arguments = ["-m", "interop.\(module)"] + arguments
    }
    let path = process.executableURL?.path ?? ""
    try #require(
      FileManager.default.isExecutableFile(atPath: path), "there is no \(path): `make setup build`")
    return process
  }
}

/// Runs `body` beside a server, which is given the server's port and ended after it.
func withServer(
  _ program: InteropProgram, _ arguments: [String] = [], _ body: (_ port: Int) async throws -> Void
) async throws {
  let process = try program.process(["--port", "0"] + arguments)
  let (input, output) = (Pipe(), Pipe())
  process.standardInput = input
  process.standardOutput = output
  let ended = endOf(process)
  try process.run()
  let outcome: Result<Void, any Error>
  do {
    try await body(try await port(readyLine: output.fileHandleForReading))
    outcome = .success(())
  } catch {
    outcome = .failure(error)
  }
  // Ours end with SIGTERM, those in Python with their input.
  try input.fileHandleForWriting.close()
  if case .ours = program { process.terminate() }
  for await status in ended { #expect(status == 0, "the server ended with \(status)") }
  try outcome.get()
}

/// Runs a client to its end; answers its exit code and the lines that it printed.
func runClient(
  _ program: InteropProgram, port: Int, _ cases: [String], _ arguments: [String] = []
) async throws -> (status: Int32, lines: [String]) {
  let process = try program.process(
    ["--server_port", "\(port)", "--test_case", cases.joined(separator: ",")] + arguments)
  return try await output(of: process)
}

/// Runs a program to its end; answers its exit code and the lines that it printed.
func output(of process: Process) async throws -> (status: Int32, lines: [String]) {
  let output = Pipe()
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  let ended = endOf(process)
  try process.run()
  let data = await onThread { (try? output.fileHandleForReading.readToEnd()) ?? Data() }
  var status: Int32 = -1
  for await code in ended { status = code }
  return (status, String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init))
}

/// The exit code of a process, once it has ended.
private func endOf(_ process: Process) -> AsyncStream<Int32> {
  AsyncStream { continuation in
    process.terminationHandler = {
      continuation.yield($0.terminationStatus)
      continuation.finish()
    }
  }
}

private struct Ready: Decodable {
  let grpc: String
}

private func port(readyLine output: FileHandle) async throws -> Int {
  let line = await onThread { () -> String in
    var bytes: [UInt8] = []
    while let byte = (try? output.read(upToCount: 1))?.first, byte != UInt8(ascii: "\n") {
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
  try #require(line.hasPrefix("READY "), "the server is not ready: \(line)")
  let ready = try JSONDecoder().decode(Ready.self, from: Data(line.dropFirst(6).utf8))
  return try #require(ready.grpc.split(separator: ":").last.flatMap { Int($0) })
}

/// Runs what blocks apart from the tests' own threads.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}

/// Gives `body` a folder with `server.pem`, `server.key` and the `ca.pem` that signed it.
func withCertificates(_ body: (_ folder: String) async throws -> Void) async throws {
  let folder = FileManager.default.temporaryDirectory.appending(
    path: "interop-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let process = Process()
  process.executableURL = InteropProgram.root.appending(path: "Tests/certificates.sh")
  process.arguments = [folder.path, "set"]
  let ended = endOf(process)
  try process.run()
  for await status in ended { try #require(status == 0, "certificates.sh ended with \(status)") }
  try await body(folder.path)
}
