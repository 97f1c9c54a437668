internal import Dispatch
internal import Foundation

/// SIGHUP as the wish that files be read again.
final class ReloadSignal: Sendable {
  // DispatchSource is thread-safe but not marked so for every platform's Dispatch.
  private nonisolated(unsafe) let source: any DispatchSourceSignal

  /// From here on the signal no longer ends the process.
  init(_ action: @escaping @Sendable () async -> Void) {
    signal(SIGHUP, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    source.setEventHandler { Task { await action() } }
    source.resume()
  }

  func end() { source.cancel() }
}

/// SIGTERM and SIGINT as something to wait for.
final class EndingSignals: Sendable {
  private let stream: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation
  // DispatchSource is thread-safe but not marked so for every platform's Dispatch.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

  /// From here on the signals no longer end the process.
  init() {
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    self.stream = stream
    self.continuation = continuation
    sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { continuation.yield(name) }
      source.resume()
      return source
    }
  }

  /// The next one's name.
  func next() async -> String {
    for await name in stream { return name }
    return "the end"
  }

  /// Calls `end` at a further signal: whoever sends one does not want to wait. One that follows at
  /// once does not count, for some senders signal a process and then its whole group.
  func onImpatience(_ end: @escaping @Sendable () -> Void) {
    let first = ContinuousClock.now
    Task {
      for await _ in stream where first.duration(to: .now) > .seconds(1) {
        end()
      }
    }
  }
}
