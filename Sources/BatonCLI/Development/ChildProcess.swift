internal import Configuration
internal import Dispatch
internal import Foundation
internal import NIOConcurrencyHelpers

/// A program that `baton dev` runs, its output line by line.
final class ChildProcess: Sendable {
  let name: String
  private let process = Process()
  private let state = NIOLockedValueBox(State())

  private struct State {
    var hasEnded = false
    var hasPrinted = false
  }

  enum News: Sendable {
    /// What it printed when it was ready, without the word READY.
    case ready(String)
    case ended(End)
  }

  enum End: Sendable, Equatable, CustomStringConvertible {
    case signal(Int32)
    case exitCode(Int32)

    var description: String {
      switch self {
      case .signal(let number): "by signal \(number)"
      case .exitCode(let code): "with exit code \(code)"
      }
    }
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
    process.arguments = Self.endingWithParent + command
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    let exited = DispatchSemaphore(value: 0)
    process.terminationHandler = { [self] process in
      state.withLockedValue { $0.hasEnded = true }
      exited.signal()
      let status = process.terminationStatus
      hear(
        .ended(process.terminationReason == .uncaughtSignal ? .signal(status) : .exitCode(status)))
    }
    if let problem = runOnThreadOfItsOwn(until: exited) {
      throw CommandFailure(
        .system, code: "CANNOT_START",
        message: "\(name): \(command[0]) cannot be started: \(problem)")
    }
    let tell: @Sendable (String) -> Void = { [self] line in
      state.withLockedValue { $0.hasPrinted = true }
      print(line)
    }
    Self.read(output) { line in
      guard line.hasPrefix("READY ") else { return tell(line) }
      hear(.ready(String(line.dropFirst("READY ".count))))
    }
    Self.read(errors, tell)
  }

  /// What runs a program so that it ends when this process does, even by SIGKILL; nothing where
  /// util-linux is missing. SIGKILL too: an adapter that finished its tasks first would hold its
  /// folder for as long, and the next `baton dev` could not start.
  private static let endingWithParent: [String] = {
    let program = "/usr/bin/setpriv"
    guard FileManager.default.isExecutableFile(atPath: program) else { return [] }
    return [program, "--pdeathsig", "KILL", "--"]
  }()

  /// The parent of prctl(2), PR_SET_PDEATHSIG, is the thread that started the child, and the threads
  /// of a pool come and go; so one stays for as long as the child runs. Answers what went wrong.
  private func runOnThreadOfItsOwn(until exited: DispatchSemaphore) -> String? {
    let started = DispatchSemaphore(value: 0)
    let problem = NIOLockedValueBox<String?>(nil)
    Thread.detachNewThread { [process] in
      do { try Self.withNoSignalBlocked { try process.run() } } catch {
        problem.withLockedValue { $0 = error.localizedDescription }
        started.signal()
        return
      }
      started.signal()
      exited.wait()
    }
    started.wait()
    return problem.withLockedValue { $0 }
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

  var hasEnded: Bool { state.withLockedValue { $0.hasEnded } }

  /// Whether it said anything but READY.
  var hasPrinted: Bool { state.withLockedValue { $0.hasPrinted } }

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
