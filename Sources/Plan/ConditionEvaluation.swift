internal import JSON

/// A task upstream as a condition sees it.
public struct UpstreamTask: Sendable, Equatable {
  public var status: TaskStatus
  /// JSON; nil where it did not succeed: everything in it is null.
  public var output: [UInt8]?

  public init(status: TaskStatus, output: [UInt8]?) {
    self.status = status
    self.output = output
  }
}

extension Condition {
  /// Whether the task is run. `tasks` has every task that `names` mentions, by id.
  ///
  /// Throws where there is no answer: a field that is not there, a value of another kind than an
  /// operator takes.
  public func evaluate(
    inputs: [UInt8], tasks: [String: UpstreamTask]
  ) throws(ConditionError) -> Bool {
    try Evaluation(inputs: inputs, tasks: tasks).bool(root)
  }
}

private struct Evaluation {
  let inputs: [UInt8]
  let tasks: [String: UpstreamTask]

  private func task(_ id: String) -> UpstreamTask {
    tasks[id] ?? UpstreamTask(status: .skipped, output: nil)
  }

  func bool(_ node: Condition.Node) throws(ConditionError) -> Bool {
    switch node {
    case .not(let inner): return !(try bool(inner))
    case .all(let parts): return try decide(parts, by: false)
    case .any(let parts): return try decide(parts, by: true)
    case .compare(let comparison, let left, let right):
      return try compare(comparison, left, right)
    case .isIn(let element, let container): return try isIn(element, container)
    case .has(let reference): return slice(reference) != nil
    case .test(let test, let text, let argument): return try self.test(test, text, argument)
    case .literal(.bool(let value)): return value
    case .literal, .list, .name, .size:
      let value = try value(node)
      guard case .bool(let flag) = value else {
        throw Self.wrong(node, "true or false", value)
      }
      return flag
    }
  }

  /// As in CEL, one part that decides is enough, whatever the others come to.
  private func decide(_ parts: [Condition.Node], by flag: Bool) throws(ConditionError) -> Bool {
    var failure: ConditionError?
    for part in parts {
      do throws(ConditionError) {
        if try bool(part) == flag { return flag }
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return !flag
  }

  private func value(_ node: Condition.Node) throws(ConditionError) -> JSONValue {
    switch node {
    case .literal(let value): return value
    case .list(let elements):
      var values: [JSONValue] = []
      for element in elements { values.append(try value(element)) }
      return .array(values)
    case .name(.status(let id)): return .string(task(id).status.rawValue)
    case .name(.value(let reference)): return try look(up: reference)
    case .size(let inner): return .integer(try size(inner))
    case .not, .all, .any, .compare, .isIn, .has, .test: return .bool(try bool(node))
    }
  }

  /// The bytes behind a reference; nil where there is nothing.
  private func slice(_ reference: Reference) -> ArraySlice<UInt8>? {
    switch reference.source {
    case .inputs: return JSONReader.find(reference.path, in: inputs)
    case .task(let id):
      guard let output = task(id).output else { return nil }
      return JSONReader.find(reference.path, in: output)
    case .item, .index: return nil
    }
  }

  private func look(up reference: Reference) throws(ConditionError) -> JSONValue {
    if case .task(let id) = reference.source, task(id).output == nil { return .null }
    guard let slice = slice(reference), let value = try? JSONValue(parsing: Array(slice)) else {
      throw ConditionError(
        "\(reference.text) leads to nothing: the field is not there; has() asks whether it is")
    }
    return value
  }

  private func size(_ node: Condition.Node) throws(ConditionError) -> Int {
    let value = try value(node)
    switch value {
    case .string(let text): return text.unicodeScalars.count
    case .array(let elements): return elements.count
    case .object(let members): return members.count
    case .null, .bool, .number: throw Self.wrong(node, "a string, a list or an object", value)
    }
  }

  private func test(
    _ test: Condition.TextTest, _ text: Condition.Node, _ argument: Condition.Node
  ) throws(ConditionError) -> Bool {
    let (text, part) = (Array(try string(text).utf8), Array(try string(argument).utf8))
    switch test {
    case .startsWith: return text.starts(with: part)
    case .endsWith: return text.suffix(part.count).elementsEqual(part)
    case .contains: return Self.contains(text, part)
    }
  }

  /// Knuth, Morris and Pratt: linear, for both texts may be outputs of a megabyte.
  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard !part.isEmpty else { return true }
    guard part.count <= text.count else { return false }
    var borders = [0]
    borders.reserveCapacity(part.count)
    var matched = 0
    for byte in part.dropFirst() {
      while matched > 0 && part[matched] != byte { matched = borders[matched - 1] }
      if part[matched] == byte { matched += 1 }
      borders.append(matched)
    }
    matched = 0
    for byte in text {
      while matched > 0 && part[matched] != byte { matched = borders[matched - 1] }
      if part[matched] == byte { matched += 1 }
      if matched == part.count { return true }
    }
    return false
  }

  private func string(_ node: Condition.Node) throws(ConditionError) -> String {
    let value = try value(node)
    guard case .string(let text) = value else { throw Self.wrong(node, "a string", value) }
    return text
  }

  private func isIn(
    _ element: Condition.Node, _ container: Condition.Node
  ) throws(ConditionError) -> Bool {
    let wanted = try value(element)
    let whole = try value(container)
    switch whole {
    case .array(let elements):
      for element in elements where try Self.isEqual(element, wanted) { return true }
      return false
    case .object: return wanted.stringValue.map { whole[$0] != nil } ?? false
    case .null, .bool, .number, .string:
      throw Self.wrong(container, "a list or an object", whole)
    }
  }

  // MARK: Comparing

  private func compare(
    _ comparison: Condition.Comparison, _ left: Condition.Node, _ right: Condition.Node
  ) throws(ConditionError) -> Bool {
    let (first, second) = (try value(left), try value(right))
    switch comparison {
    case .equal: return try Self.isEqual(first, second)
    case .notEqual: return !(try Self.isEqual(first, second))
    case .less, .lessOrEqual, .greater, .greaterOrEqual: break
    }
    guard let order = Self.order(first, second) else {
      throw ConditionError(
        "\(comparison.rawValue) cannot compare \(Self.shown(left, first)) with "
          + Self.shown(right, second))
    }
    switch comparison {
    case .less: return order < 0
    case .lessOrEqual: return order <= 0
    case .greater: return order > 0
    case .greaterOrEqual, .equal, .notEqual: return order >= 0
    }
  }

  /// Values of different kinds are unequal. Objects are not compared.
  private static func isEqual(
    _ first: JSONValue, _ second: JSONValue
  ) throws(ConditionError) -> Bool {
    switch (first, second) {
    case (.null, .null): return true
    case (.bool(let left), .bool(let right)): return left == right
    case (.number, .number), (.string, .string): return order(first, second) == 0
    case (.array(let left), .array(let right)):
      guard left.count == right.count else { return false }
      for (one, other) in zip(left, right) where !(try isEqual(one, other)) { return false }
      return true
    case (.object, .object):
      throw ConditionError("objects cannot be compared; compare their fields")
    default: return false
    }
  }

  /// Negative, 0 or positive; nil where there is no order. Strings by code points.
  private static func order(_ first: JSONValue, _ second: JSONValue) -> Int? {
    switch (first, second) {
    case (.string(let left), .string(let right)):
      if left.utf8.elementsEqual(right.utf8) { return 0 }
      return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    case (.number(let left), .number(let right)):
      if let left = Int64(left), let right = Int64(right) {
        return left == right ? 0 : left < right ? -1 : 1
      }
      guard let left = Double(left), let right = Double(right) else { return nil }
      return left == right ? 0 : left < right ? -1 : 1
    default: return nil
    }
  }

  // MARK: Messages

  private static func wrong(
    _ node: Condition.Node, _ expected: String, _ value: JSONValue
  ) -> ConditionError {
    ConditionError("\(shown(node, value)) stands where \(expected) is needed")
  }

  private static func shown(_ node: Condition.Node, _ value: JSONValue) -> String {
    guard case .name(.value(let reference)) = node else { return value.kindName }
    return "\(reference.text) (\(value.kindName))"
  }
}
