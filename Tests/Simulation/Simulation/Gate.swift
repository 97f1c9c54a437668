import Plan

/// A task's `when` as the simulation itself understands it, apart from the evaluation that is tested.
enum Gate {
  /// Of the plan's one input, which is true.
  case input(Bool)
  case hasSucceeded(Int)
  /// It succeeded in its first attempt.
  case isFirst(Int)
  /// Reads a field that no output has.
  case isBroken(Int)

  enum Verdict { case runs, isSkipped, fails }

  static let inputs = Array(#"{"go":true}"#.utf8)

  static func random(_ upstream: [Int], _ dice: inout Dice) -> Gate {
    guard !upstream.isEmpty else { return .input(dice.roll(3) > 0) }
    let ordinal = dice.pick(upstream)
    switch dice.roll(8) {
    case 0: return .input(dice.roll(2) == 0)
    case 1: return .isBroken(ordinal)
    case 2, 3, 4: return .isFirst(ordinal)
    default: return .hasSucceeded(ordinal)
    }
  }

  var text: String {
    switch self {
    case .input(let value): "inputs.go == \(value)"
    case .hasSucceeded(let ordinal): "tasks.t\(ordinal).status == 'succeeded'"
    case .isFirst(let ordinal): "tasks.t\(ordinal).output.text == 't\(ordinal).1'"
    case .isBroken(let ordinal): "tasks.t\(ordinal).output.absent == 1"
    }
  }

  /// What it comes to; `output` gives the output of a task that succeeded, nil for others.
  func verdict(_ output: (Int) -> [UInt8]?) -> Verdict {
    switch self {
    case .input(let value): return value ? .runs : .isSkipped
    case .hasSucceeded(let ordinal): return output(ordinal) != nil ? .runs : .isSkipped
    case .isFirst(let ordinal):
      guard let output = output(ordinal) else { return .isSkipped }
      guard GivenResult.hasText(output) else { return .fails }
      return GivenResult.text(of: output) == "t\(ordinal).1" ? .runs : .isSkipped
    case .isBroken(let ordinal): return output(ordinal) != nil ? .fails : .isSkipped
    }
  }
}
