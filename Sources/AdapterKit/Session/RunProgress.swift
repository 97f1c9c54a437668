internal import Foundation
public import Messages
internal import NIOConcurrencyHelpers

/// What a run may say while it goes on. Best effort: never blocks, never fails, from any thread.
public final class RunProgress: Sendable {
  private struct State {
    var tellsStarted = false
    var entries: [Entry] = []
    var entriesBytes = 0
    /// Of the next chunk, in bytes of the output so far.
    var offset: Int64 = 0
    var usage: BatonV1.Usage?

    /// Takes room for so many more bytes, if there is.
    mutating func takeRoom(_ byteCount: Int) -> Bool {
      guard entriesBytes + byteCount <= RunProgress.waitingBytesMax else { return false }
      entriesBytes += byteCount
      return true
    }
  }

  private enum Entry {
    case chunk(offset: Int64, text: String)
    case other(BatonV1.TaskProgress)
  }

  private let state = NIOLockedValueBox(State())
  private let wake: @Sendable () -> Void
  /// What one run may have waiting; more is dropped.
  private static let waitingBytesMax = 256 << 10
  private static let chunkBytesMax = 64 << 10

  init(wake: @escaping @Sendable () -> Void) {
    self.wake = wake
  }

  /// The next piece of the output's text.
  public func chunk(_ text: String) {
    let text = text.sendable(byteCount: Self.chunkBytesMax)
    state.withLockedValue { state in
      let offset = state.offset
      state.offset += Int64(text.utf8.count)
      guard state.takeRoom(text.utf8.count) else { return }
      state.entries.append(.chunk(offset: offset, text: text))
    }
    wake()
  }

  /// Something that an agent said.
  public func message(agent: String, role: String, content: String) {
    add(
      BatonV1.TaskProgress(
        timeMs: unixMilliseconds(),
        body: .message(
          BatonV1.AgentMessage(
            agent: agent.sendable(), role: role.sendable(), content: content.sendable()))))
  }

  /// A line for those who debug; severity: debug, info, warning, error.
  public func log(_ severity: String, _ text: String) {
    add(
      BatonV1.TaskProgress(
        timeMs: unixMilliseconds(),
        body: .log(BatonV1.LogLine(severity: severity.sendable(), text: text.sendable()))))
  }

  /// What the attempt has consumed so far.
  public func usage(_ soFar: BatonV1.Usage) {
    state.withLockedValue { $0.usage = soFar.sendable }
    wake()
  }

  private func add(_ entry: BatonV1.TaskProgress) {
    state.withLockedValue { state in
      guard state.takeRoom(MessageLimits.textBytes) else { return }
      state.entries.append(.other(entry))
    }
    wake()
  }

  func started() {
    state.withLockedValue { $0.tellsStarted = true }
    wake()
  }

  /// What was said since the last call, as messages. The end of a run makes its beginning old news.
  func take(_ reference: RunReference, token: Int64, hasEnded: Bool) -> [BatonV1.RunProgress] {
    let taken = state.withLockedValue { state in
      let taken = state
      state.tellsStarted = false
      state.entries = []
      state.entriesBytes = 0
      state.usage = nil
      return taken
    }
    var bodies = Self.joined(taken.entries)
    if let usage = taken.usage {
      bodies.append(BatonV1.TaskProgress(timeMs: unixMilliseconds(), usage: usage))
    }
    var items = bodies.map { body in
      BatonV1.RunProgress(
        idempotencyKey: reference.key, attempt: reference.attempt, token: token, progress: body)
    }
    if taken.tellsStarted, items.isEmpty, !hasEnded {
      items.append(
        BatonV1.RunProgress(
          idempotencyKey: reference.key, attempt: reference.attempt, token: token))
    }
    if taken.tellsStarted, !items.isEmpty { items[0].started = true }
    return items
  }

  /// Chunks that follow each other become one.
  private static func joined(_ entries: [Entry]) -> [BatonV1.TaskProgress] {
    var bodies: [BatonV1.TaskProgress] = []
    for entry in entries {
      switch entry {
      case .other(let body): bodies.append(body)
      case .chunk(let offset, let text):
        if case .chunk(let last)? = bodies.last?.body,
          last.offset + Int64(last.text.utf8.count) == offset,
          last.text.utf8.count + text.utf8.count <= chunkBytesMax
        {
          bodies[bodies.count - 1].body = .chunk(
            BatonV1.OutputChunk(offset: last.offset, text: last.text + text))
        } else {
          bodies.append(
            BatonV1.TaskProgress(
              timeMs: unixMilliseconds(),
              body: .chunk(BatonV1.OutputChunk(offset: offset, text: text))))
        }
      }
    }
    return bodies
  }
}
