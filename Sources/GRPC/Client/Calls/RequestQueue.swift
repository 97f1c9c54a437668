internal import NIOCore

/// The requests of a streaming call between their writer and the stream, as a value: what was
/// written, how much of it the stream was given, and whether it can be given to another one.
///
///     open --finish--> finished --end--> ended        (end also from open)
///
/// Until the response begins, what was handed out is kept as well, so that the call can start over
/// on another connection (github.com/grpc/proposal, A6); beyond `replayBytesMax` it is not.
struct RequestQueue {
  enum State: Equatable {
    /// Can transition to `finished`, `ended`.
    case open
    /// Nothing more is written; what is here is still sent. Can transition to `ended`.
    case finished
    /// The call is over: nothing is taken in or handed out.
    case ended
  }

  enum WriteOutcome: Equatable {
    /// `wakes`: nobody is about to take, so the event loop must be told; `waits`: the writer must
    /// not go on before something was taken.
    case accepted(wakes: Bool, waits: Bool)
    /// The writer has finished before.
    case afterFinish
    case ended
  }

  /// What one `take` handed out.
  struct Portion: Equatable {
    var byteCount = 0
    /// The requests end here.
    var isLast = false
  }

  private(set) var state = State.open
  /// From the reader index on: not handed out yet; before it: kept for starting over.
  private var bytes = ByteBuffer()
  private let replayBytesMax: Int
  /// Whether everything since the first request is still here.
  private(set) var isReplayable = true
  /// Whether somebody will take without being told: the stream when it opens or has drained.
  private var isTakeDue = true
  private var endWasTaken = false

  /// Bytes from which a writer is made to wait.
  static let unsentBytesHigh = 16_384

  init(replayBytesMax: Int) {
    self.replayBytesMax = replayBytesMax
  }

  /// Bytes that no stream was given yet.
  var unsentBytes: Int { bytes.readableBytes }
  /// Bytes held in all.
  var heldBytes: Int { bytes.writerIndex }

  /// Takes a request in, framed already.
  mutating func write(_ frame: UnsafeRawBufferPointer) -> WriteOutcome {
    switch state {
    case .ended: return .ended
    case .finished: return .afterFinish
    case .open:
      bytes.writeBytes(frame)
      return .accepted(wakes: wake(), waits: unsentBytes >= Self.unsentBytesHigh)
    }
  }

  /// No more requests; answers whether the event loop must be told.
  mutating func finish() -> Bool {
    guard state == .open else { return false }
    state = .finished
    return wake()
  }

  private mutating func wake() -> Bool {
    defer { isTakeDue = true }
    return !isTakeDue
  }

  /// Hands everything out that was not yet.
  mutating func take(_ body: (UnsafeRawBufferPointer) -> Void) -> Portion {
    isTakeDue = false
    guard state != .ended, !endWasTaken else { return Portion() }
    let portion = Portion(byteCount: unsentBytes, isLast: state == .finished)
    if portion.byteCount > 0 { bytes.withUnsafeReadableBytes(body) }
    bytes.moveReaderIndex(forwardBy: portion.byteCount)
    endWasTaken = portion.isLast
    if heldBytes > replayBytesMax { isReplayable = false }
    if !isReplayable { bytes.clear(minimumCapacity: 0) }
    return portion
  }

  /// Another stream gets everything from the start; only while `isReplayable`.
  mutating func startOver() {
    bytes.moveReaderIndex(to: 0)
    isTakeDue = true
    endWasTaken = false
  }

  /// The response has begun: nothing is kept for starting over.
  mutating func commit() {
    isReplayable = false
    bytes.discardReadBytes()
  }

  mutating func end() {
    state = .ended
    bytes = ByteBuffer()
  }
}
