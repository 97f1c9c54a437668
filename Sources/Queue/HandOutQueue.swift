public import Plan

/// Says that a task has a hand-out to be sent. A hint, never the truth: whoever takes it reads the
/// current state and drops it if that has moved on (S8).
public struct HandOutHint: Sendable, Hashable {
  public var planID: PlanID
  /// Place of the task in the plan's list.
  public var ordinal: Int
  public var attempt: Int32
  public var delivery: Int32

  public init(planID: PlanID, ordinal: Int, attempt: Int32, delivery: Int32) {
    self.planID = planID
    self.ordinal = ordinal
    self.attempt = attempt
    self.delivery = delivery
  }
}

/// Carries hints from the owner of a plan to whoever sends hand-outs.
///
/// May lose, repeat and reorder; each costs at most the sweep interval.
public protocol HandOutQueue: AnyObject, Sendable {
  /// "memory", "redis" …
  var name: String { get }

  /// Offers hints; called after the commit that recorded their hand-outs.
  func enqueue(_ hints: [HandOutHint]) throws(QueueError)

  /// Sets who takes hints; called once, before the first `enqueue`. `take` must not block.
  func subscribe(_ take: @escaping @Sendable ([HandOutHint]) -> Void) throws(QueueError)

  /// Ends the queue; no hint is taken after it returns.
  func close()
}

/// Why a queue did not do what it was asked.
public struct QueueError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable {
    public let name: String

    /// The same call may succeed later; the sweep makes up for the hints.
    public static let unavailable = Code(name: "UNAVAILABLE")
    /// The queue is closed, or subscribed twice.
    public static let misuse = Code(name: "MISUSE")
  }

  public var code: Code
  /// What happened and what to do.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.name): \(message)" }
}
