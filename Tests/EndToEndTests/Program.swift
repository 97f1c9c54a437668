import Foundation
import JSON
import Synchronization
import Testing

/// A real process of ours that a test started; ended by its own pid.
final class Program: Sendable {
  /// What its READY line says.
  let ready: JSONValue
  /// A `NIOLockedValueBox` here crashes the release build's compiler (Swift 6.3.1).
  private let process: Mutex<Process>
  private let ended: AsyncStream<Int32>

  struct NotReady: Error, CustomStringConvertible {
    var description: String
  }

  /// Starts the program and waits for its READY line.
  ///
  /// - Parameter log: File that its stderr is appended to.
  init(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:], log: URL,
    folder: URL = Program.root
  ) async throws {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
    let errors = try FileHandle(forWritingTo: log)
    try errors.seekToEnd()
    process.standardError = errors
    let (ended, continuation) = AsyncStream<Int32>.makeStream()
    process.terminationHandler = {
      continuation.yield($0.terminationStatus)
      continuation.finish()
    }
    self.ended = ended
    try process.run()
    self.process = Mutex(process)
    guard let line = await Self.line(of: output.fileHandleForReading), line.hasPrefix("READY ")
    else {
      process.terminate()
      let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
      throw NotReady(
        description: "\(executable.lastPathComponent) did not become ready: \(text.suffix(2_000))")
    }
    ready = try JSONValue(parsing: String(line.dropFirst("READY ".count)))
  }

  /// The first line; nil at the end of the stream before one.
  private static func line(of handle: FileHandle) async -> String? {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var bytes: [UInt8] = []
        while let byte = (try? handle.read(upToCount: 1))?.first {
          if byte == UInt8(ascii: "\n") { break }
          bytes.append(byte)
        }
        continuation.resume(
          returning: bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self))
      }
    }
  }

  var pid: Int32 { process.withLock { $0.processIdentifier } }

  func field(_ name: String) -> String { ready[name]?.stringValue ?? "" }

  /// Ends it at once, as a crash would, and waits until it is gone.
  func kill() async {
    _ = Foundation.kill(pid, SIGKILL)
    _ = await exitStatus()
  }

  /// Asks it to end and answers its exit code.
  @discardableResult
  func terminate() async -> Int32 {
    _ = Foundation.kill(pid, SIGTERM)
    return await exitStatus()
  }

  /// Waits until it ends by itself.
  func exitStatus() async -> Int32 {
    for await status in ended { return status }
    return process.withLock { $0.terminationStatus }
  }

  deinit {
    process.withLock { if $0.isRunning { _ = Foundation.kill($0.processIdentifier, SIGKILL) } }
  }

  // MARK: Where things are

  /// The repository.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// A program of this package, beside the test bundle.
  static func built(_ name: String) throws -> URL {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    let url = URL(filePath: bundle).deletingLastPathComponent().appending(path: name)
    try #require(
      FileManager.default.isExecutableFile(atPath: url.path), "\(url.path) is not built")
    return url
  }

  /// A sidecar in its own environment.
  static func sidecar(_ adapter: String) throws -> URL {
    let url = root.appending(path: ".venv-\(adapter)/bin/baton-\(adapter)")
    try #require(
      FileManager.default.isExecutableFile(atPath: url.path),
      "the \(adapter) environment is missing; run deploy/dev/setup.sh")
    return url
  }
}

/// What a finished command said.
struct CommandResult: Sendable {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs a command of `baton` to its end.
func baton(
  _ arguments: [String], server: String? = nil, folder: URL = Program.root
) async throws -> CommandResult {
  let process = Process()
  process.executableURL = try Program.built("baton")
  process.arguments = arguments
  process.currentDirectoryURL = folder
  var environment = ProcessInfo.processInfo.environment
  environment["BATON_SERVER"] = server
  process.environment = environment
  process.standardInput = FileHandle.nullDevice
  let (output, errors) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  async let outputBytes = readAll(output.fileHandleForReading)
  async let errorBytes = readAll(errors.fileHandleForReading)
  let (outputText, errorText) = await (outputBytes, errorBytes)
  process.waitUntilExit()
  return CommandResult(
    status: process.terminationStatus, output: outputText, errors: errorText)
}

private func readAll(_ handle: FileHandle) async -> String {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      let data = (try? handle.readToEnd()) ?? nil
      continuation.resume(returning: String(decoding: data ?? Data(), as: UTF8.self))
    }
  }
}
