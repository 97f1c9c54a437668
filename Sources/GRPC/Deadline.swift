internal import NIOCore

/// A moment on this machine's monotonic clock by which a call must be answered.
public struct Deadline: Sendable, Hashable, Comparable {
  let time: NIODeadline

  init(_ time: NIODeadline) {
    self.time = time
  }

  /// That long from now.
  public init(after duration: Duration) {
    time = .now() + TimeAmount(duration)
  }

  /// Time left; negative when it has passed.
  public var remaining: Duration {
    .nanoseconds((time - .now()).nanoseconds)
  }

  public var isPast: Bool { time <= .now() }

  public static func < (left: Deadline, right: Deadline) -> Bool { left.time < right.time }
}

/// What a call hands down to the calls made on its behalf.
public enum CallScope {
  /// Deadline of the call whose handler is running in this task; calls made from it end no later.
  public static var deadline: Deadline? { content?.deadline }

  @TaskLocal static var content: Content?

  /// One for each task that runs handlers, one handler after the other: a task-local value for each
  /// call would cost more than many a handler.
  ///
  /// `@unchecked Sendable`: written by the task that runs handlers, only while no other task has it.
  final class Content: @unchecked Sendable {
    fileprivate(set) var deadline: Deadline?
  }

  /// The scope as the task knows it that runs handlers. It holds no reference, for the task itself
  /// does, which lets it see whether others hold one.
  struct Reference: @unchecked Sendable {
    private let content: Unmanaged<Content>

    init(_ content: Content) {
      self.content = .passUnretained(content)
    }

    /// Begins a call.
    func enter(deadline: Deadline?) {
      content._withUnsafeGuaranteedRef { $0.deadline = deadline }
    }

    /// Whether a task that the last handler has left behind still has the scope, which must stay
    /// as it is then.
    var isShared: Bool {
      var content = content
      return withUnsafeMutableBytes(of: &content) { bytes in
        !isKnownUniquelyReferenced(&bytes.assumingMemoryBound(to: Content.self)[0])
      }
    }
  }
}

extension Duration {
  /// Nanoseconds, as much as fits.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return sumOverflow ? (seconds < 0 ? .min : .max) : sum
  }
}
