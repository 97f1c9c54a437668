internal import Configuration
internal import Foundation
internal import Synchronization

/// A program that `baton dev` runs, its output line by line.
final class ChildProcess: Sendable {
  let name: String
  private let process = Process()
  private let ended = Mutex<Bool>(false)

  enum News: Sendable {
    /// What it printed when it was ready, without the word READY.
    case ready(String)
    /// The end, in words.
    case ended(String)
  }

  init(name: String) { self.name = name }

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - print: gets every line but READY, without its line break.
  ///   - hear: called when the program is ready and when it ended.
  func start(
    _ command: [String], environment: [String: String],
    print: @escaping @Sendable (String) -> Void, hear: @escaping @Sendable (News) -> Void
  ) throws(CommandFailure) {
    let output = Pipe()
    let errors = Pipe()
    // `env` finds the program on the PATH.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    process.terminationHandler = { [self] process in
      ended.withLock { $0 = true }
      let how = process.terminationReason == .uncaughtSignal ? "by signal" : "with exit code"
      hear(.ended("\(how) \(process.terminationStatus)"))
    }
    do { try process.run() } catch {
      throw CommandFailure(
        .system, code: "CANNOT_START",
        message: "\(name): \(command[0]) cannot be started: \(error.localizedDescription)")
    }
    Self.read(output) { line in
      guard line.hasPrefix("READY ") else { return print(line) }
      hear(.ready(String(line.dropFirst("READY ".count))))
    }
    Self.read(errors, print)
  }

  var pid: Int32 { process.processIdentifier }

  var hasEnded: Bool { ended.withLock { $0 } }

  /// SIGTERM: end in good order.
  func terminate() { if !hasEnded { kill(pid, SIGTERM) } }

  /// SIGKILL.
  func killAtOnce() { if !hasEnded { kill(pid, SIGKILL) } }

  /// A thread of its own for each pipe: a reader that falls behind would stop the program.
  private static func read(_ pipe: Pipe, _ line: @escaping @Sendable (String) -> Void) {
    let handle = pipe.fileHandleForReading
    Thread.detachNewThread {
      var rest = Data()
      while let data = try? handle.read(upToCount: 65_536), !data.isEmpty {
        rest.append(data)
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          line(String(decoding: rest[..<end], as: UTF8.self))
          rest.removeSubrange(...end)
        }
      }
      if !rest.isEmpty { line(String(decoding: rest, as: UTF8.self)) }
    }
  }
}
