/// A question that a run asked, and the answer it was given.
public struct DialogTurn: Sendable, Equatable {
  /// JSON, as the adapter gave it.
  public var prompt: [UInt8]
  /// JSON, as CompleteTask gave it; nil while the question is open.
  public var value: [UInt8]?

  public init(prompt: [UInt8], value: [UInt8]? = nil) {
    self.prompt = prompt
    self.value = value
  }
}

/// What the last attempt of a task that asked anything has asked so far, in order. Whether that is the
/// current attempt, its row says (`TaskRow.question`).
public struct TaskDialog: Sendable, Equatable {
  public var ordinal: Int
  public var turns: [DialogTurn]

  public init(ordinal: Int, turns: [DialogTurn]) {
    self.ordinal = ordinal
    self.turns = turns
  }

  /// Bytes of all prompts and values.
  public var byteCount: Int {
    turns.reduce(0) { $0 + $1.prompt.count + ($1.value?.count ?? 0) }
  }
}
