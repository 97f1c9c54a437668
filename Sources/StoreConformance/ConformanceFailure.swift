/// What an implementation did that its protocol does not allow.
public struct ConformanceFailure: Error, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}

/// Throws `ConformanceFailure` unless `condition` holds.
func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  guard condition else { throw ConformanceFailure(message()) }
}

/// Throws unless both are equal.
func expectEqual<Value: Equatable>(
  _ actual: Value, _ expected: Value, _ what: @autoclosure () -> String
) throws {
  guard actual != expected else { return }
  throw ConformanceFailure("\(what()): \(brief(actual)) where \(brief(expected)) was expected")
}

/// A text short enough for a message.
private func brief(_ value: some Any) -> String {
  let text = "\(value)"
  return text.count <= 2_000 ? text : "\(text.prefix(2_000))… (\(text.count) characters)"
}
