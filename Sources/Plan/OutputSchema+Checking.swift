internal import JSON

extension OutputSchema {
  /// Problems that one message names at most.
  private static let maxProblems = 5

  /// What is wrong with an output, for people and for the next attempt; nil where it keeps to the
  /// schema. `output` is valid JSON.
  public func mistake(in output: [UInt8]) -> String? {
    guard let whole = try? JSONValue(parsing: output) else { return "the output is not JSON" }
    var check = Check()
    if isAboutJSON {
      guard let value = whole["json"], value != .null || root.takesNull else {
        return "the answer is not JSON; answer with JSON alone that fits the schema"
      }
      check.run(value, root, "json")
    } else {
      check.run(whole, root, "output")
    }
    guard !check.problems.isEmpty else { return nil }
    let more = check.problems.count > Self.maxProblems ? "; and more" : ""
    return "the output does not fit its schema: "
      + check.problems.prefix(Self.maxProblems).joined(separator: "; ") + more
  }

  /// One run of the check. Its steps are bounded: alternatives within lists within alternatives
  /// could keep a processor busy for minutes.
  private struct Check {
    var problems: [String] = []
    private var stepsLeft = 2_000_000

    private var isOver: Bool { problems.count > OutputSchema.maxProblems || stepsLeft < 0 }

    mutating func run(_ value: JSONValue, _ node: Node, _ path: String) {
      guard step(), !isOver else { return }
      guard node.kinds.isEmpty || node.kinds.contains(where: { $0.fits(value) }) else {
        let expected = node.kinds.map(\.shown).joined(separator: " or ")
        problems.append("\(path): expected \(expected), not \(value.kindName)")
        return
      }
      if let values = node.values, !values.contains(where: { $0.isSameScalar(as: value) }) {
        let shown = values.prefix(20).map { String($0.text.prefix(80)) }
        let more = values.count > shown.count ? " …" : ""
        problems.append(
          "\(path): expected \(values.count > 1 ? "one of " : "")\(shown.joined(separator: ", "))"
            + "\(more), not \(value.brief)")
        return
      }
      switch value {
      case .object(let members): object(members, node, path)
      case .array(let elements): list(elements, node, path)
      case .string(let text): string(text, node, path)
      case .number: number(value, node, path)
      case .null, .bool: break
      }
      if !node.alternatives.isEmpty { alternatives(value, node, path) }
    }

    private mutating func step() -> Bool {
      stepsLeft -= 1
      if stepsLeft == -1 { problems.append("it takes too long to check") }
      return stepsLeft >= 0
    }

    private mutating func object(_ members: [JSONMember], _ node: Node, _ path: String) {
      guard !node.properties.isEmpty || !node.allowsOthers else { return }
      var found = Array(repeating: -1, count: node.properties.count)
      for (index, member) in members.enumerated() {
        guard step() else { return }
        if let place = node.places[Array(member.key.utf8)] {
          // Where a key repeats, the last one counts.
          found[place] = index
        } else if !node.allowsOthers {
          problems.append("\(path): \"\(member.key.prefix(80))\" does not belong there")
          if isOver { return }
        }
      }
      for (place, property) in node.properties.enumerated() {
        if found[place] >= 0 {
          for schema in property.schema {
            run(members[found[place]].value, schema, "\(path).\(property.name)")
          }
        } else if property.isRequired {
          problems.append("\(path).\(property.name) is missing")
        }
        if isOver { return }
      }
    }

    private mutating func list(_ elements: [JSONValue], _ node: Node, _ path: String) {
      bound(elements.count, node.minItems, node.maxItems, "items", path)
      guard let items = node.items.first else { return }
      for (index, element) in elements.enumerated() {
        run(element, items, "\(path)[\(index)]")
        if isOver { return }
      }
    }

    private mutating func string(_ text: String, _ node: Node, _ path: String) {
      guard node.minLength != nil || node.maxLength != nil else { return }
      bound(text.unicodeScalars.count, node.minLength, node.maxLength, "characters", path)
    }

    private mutating func bound(
      _ count: Int, _ least: Int?, _ most: Int?, _ what: String, _ path: String
    ) {
      if let least, count < least {
        problems.append("\(path): expected at least \(least) \(what), not \(count)")
      }
      if let most, count > most {
        problems.append("\(path): expected at most \(most) \(what), not \(count)")
      }
    }

    private mutating func number(_ value: JSONValue, _ node: Node, _ path: String) {
      guard case .number(let text) = value, let number = Double(text) else { return }
      if let minimum = node.minimum, number < minimum {
        problems.append("\(path): expected at least \(minimum.brief), not \(value.brief)")
      }
      if let maximum = node.maximum, number > maximum {
        problems.append("\(path): expected at most \(maximum.brief), not \(value.brief)")
      }
    }

    private mutating func alternatives(_ value: JSONValue, _ node: Node, _ path: String) {
      let before = problems
      for alternative in node.alternatives {
        problems = []
        run(value, alternative, path)
        if problems.isEmpty {
          problems = before
          return
        }
        guard stepsLeft >= 0 else { return }
      }
      problems = before
      problems.append("\(path): \(value.brief) fits none of its \(node.alternatives.count) forms")
    }
  }
}

extension OutputSchema.Node {
  /// Whether null may fit, so that an answer of null is not taken for no answer.
  fileprivate var takesNull: Bool {
    kinds.contains(.null) || alternatives.contains { $0.takesNull }
      || values?.contains(.null) == true
  }
}

extension OutputSchema.Kind {
  fileprivate func fits(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.object, .object), (.array, .array), (.string, .string), (.number, .number),
      (.boolean, .bool), (.null, .null):
      return true
    case (.integer, .number(let text)):
      if Int64(text) != nil { return true }
      guard let number = Double(text), number.isFinite else { return false }
      return number == number.rounded()
    default: return false
    }
  }
}

extension JSONValue {
  /// Numbers by value, strings by code points.
  fileprivate func isSameScalar(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.number(let left), .number(let right)):
      if let left = Int64(left), let right = Int64(right) { return left == right }
      return Double(left) == Double(right)
    case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
    case (.bool(let left), .bool(let right)): return left == right
    case (.null, .null): return true
    default: return false
    }
  }

  /// For messages: a scalar as it is, anything else by its kind.
  fileprivate var brief: String {
    switch self {
    case .null, .bool, .number, .string:
      let text = text
      return text.count > 80 ? text.prefix(80) + "…" : text
    case .array, .object: return kindName
    }
  }
}

extension Double {
  /// `3`, not `3.0`.
  fileprivate var brief: String {
    Int64(exactly: self).map { "\($0)" } ?? "\(self)"
  }
}
