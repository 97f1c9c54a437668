internal import JSON

/// What is known of a value before the plan runs; a name may be anything.
enum ConditionKind {
  case bool, number, string, list, null, any

  var shown: String {
    switch self {
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .list: "a list"
    case .null: "null"
    case .any: "any value"
    }
  }
}

extension Condition.Node {
  var kind: ConditionKind {
    switch self {
    case .literal(.bool): .bool
    case .literal(.number): .number
    case .literal(.string): .string
    case .literal(.null): .null
    case .literal(.array), .list: .list
    case .literal(.object): .any
    case .name(.value): .any
    case .name(.status): .string
    case .not, .all, .any, .compare, .isIn, .has, .test: .bool
    case .size: .number
    }
  }
}

// What cannot come to an answer is refused at submission, where that can be seen from the text.
extension ConditionParser {
  func expect(
    _ node: Condition.Node, _ kinds: ConditionKind..., at place: Int
  ) throws(ConditionMistake) {
    let found = node.kind
    guard found != .any, !kinds.contains(found) else { return }
    let wanted = kinds.map(\.shown).joined(separator: " or ")
    throw ConditionMistake(place, "expected \(wanted), not \(found.shown)")
  }

  func check(
    _ comparison: Condition.Comparison, _ left: Condition.Node, _ leftPlace: Int,
    _ right: Condition.Node, _ rightPlace: Int, _ place: Int
  ) throws(ConditionMistake) {
    try checkStatus(left, right, rightPlace)
    try checkStatus(right, left, leftPlace)
    guard comparison.isOrdered else { return }
    try expect(left, .number, .string, at: leftPlace)
    try expect(right, .number, .string, at: rightPlace)
    guard left.kind == right.kind || left.kind == .any || right.kind == .any else {
      throw ConditionMistake(
        place, "\(comparison.rawValue) cannot compare \(left.kind.shown) with \(right.kind.shown)")
    }
  }

  /// A misspelt status would be false for ever.
  private func checkStatus(
    _ node: Condition.Node, _ other: Condition.Node, _ place: Int
  ) throws(ConditionMistake) {
    guard case .name(.status) = node, case .literal(.string(let text)) = other else { return }
    let known = [TaskStatus.succeeded, .failed, .skipped].map(\.rawValue)
    guard !known.contains(text) else { return }
    let hint = DocumentReader.suggestion(for: text, among: known)
    throw ConditionMistake(place, "no task upstream can be '\(text)'; \(hint)")
  }
}
