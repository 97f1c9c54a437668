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
    do { try Self.withNoSignalBlocked { try process.run() } } catch {
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

  /// A child inherits the signal mask of the thread that starts it, and the threads of a pool block
  /// nearly everything: SIGTERM would never reach the child.
  private static func withNoSignalBlocked(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
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
      // What is there, without waiting for more; empty at the end.
      while case let data = handle.availableData, !data.isEmpty {
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
