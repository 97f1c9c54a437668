internal import NIOCore

/// Finds streams that wait for their client longer than they may, as a value. Streams are looked at
/// with every tick; one that ends between two ticks is never seen.
struct StallWatch {
  /// Whose turn it is.
  enum Waiting: Hashable {
    /// The server waits for more of the request.
    case body
    /// The server waits to send more of the response.
    case write
  }

  private struct Mark {
    let waiting: Waiting
    /// Bytes moved in that direction when the wait was first seen.
    let bytes: Int
    let since: NIODeadline
  }

  private var marks: [Int32: Mark] = [:]

  var isEmpty: Bool { marks.isEmpty }

  /// Begins a tick: `look` is called for every open stream then.
  func look(
    at stream: Int32, waiting: Waiting?, bytes: Int, into next: inout StallWatch, now: NIODeadline
  ) -> TimeAmount {
    guard let waiting else { return .zero }
    let mark: Mark
    if let old = marks[stream], old.waiting == waiting, old.bytes == bytes {
      mark = old
    } else {
      mark = Mark(waiting: waiting, bytes: bytes, since: now)
    }
    next.marks[stream] = mark
    return now - mark.since
  }
}
