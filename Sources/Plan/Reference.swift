public import JSON

/// What stands between `${{` and `}}`.
public struct Reference: Sendable, Hashable {
  public enum Source: Sendable, Hashable {
    /// The plan's inputs.
    case inputs
    /// The output of a task, by its id.
    case task(String)
    /// The element that an instance of a mapped task is for.
    case item
    /// The element's place in the list, from 0.
    case index
  }

  public var source: Source
  /// The way into the inputs or the output.
  public var path: [JSONPathStep]

  init(_ source: Source, _ path: [JSONPathStep]) {
    self.source = source
    self.path = path
  }

  /// Parses `inputs.x`, `tasks.ID.output.path[0]`, `tasks['a.b'].output`.
  ///
  /// Throws a sentence that says what is wrong.
  init(parsing text: String) throws(ReferenceError) {
    var steps = try Self.steps(text)
    guard case .key(let root)? = steps.first else {
      throw ReferenceError("the reference is empty; write inputs.NAME or tasks.ID.output")
    }
    steps.removeFirst()
    switch root {
    case "inputs": source = .inputs
    case "tasks":
      guard steps.count >= 2, case .key(let id) = steps[0], steps[1] == .key("output") else {
        throw ReferenceError(
          "write tasks.ID.output, or tasks['ID'].output for an id with dots")
      }
      source = .task(id)
      steps.removeFirst(2)
    case "item": source = .item
    case "index":
      source = .index
      guard steps.isEmpty else { throw ReferenceError("index is a number; nothing is in it") }
    default:
      throw ReferenceError("\"\(root)\" is neither inputs nor tasks, item or index")
    }
    path = steps
  }

  private static func steps(_ text: String) throws(ReferenceError) -> [JSONPathStep] {
    // Bytes, for finding the borders of characters takes longer than everything else here.
    var steps: [JSONPathStep] = []
    var rest = Substring(text).utf8.drop { $0 == UInt8(ascii: " ") }
    while rest.last == UInt8(ascii: " ") { rest.removeLast() }
    while let first = rest.first {
      if first == UInt8(ascii: "[") {
        steps.append(try bracket(&rest))
        continue
      }
      if first == UInt8(ascii: ".") {
        guard !steps.isEmpty else { throw ReferenceError("a name must stand before the dot") }
        rest.removeFirst()
      } else if !steps.isEmpty {
        throw ReferenceError("expected a dot or a bracket before \"\(Substring(rest))\"")
      }
      let name = rest.prefix(while: Self.isNameByte)
      guard !name.isEmpty else {
        throw ReferenceError("expected a name before \"\(Substring(rest))\"")
      }
      steps.append(.key(String(Substring(name))))
      rest = rest[name.endIndex...]
    }
    return steps
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
      UInt8(ascii: ":"):
      true
    default: false
    }
  }

  /// `[0]`, `['name']` or `["name"]`.
  private static func bracket(
    _ rest: inout Substring.UTF8View
  ) throws(ReferenceError) -> JSONPathStep {
    rest.removeFirst()
    if let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
      rest.removeFirst()
      guard let end = rest.firstIndex(of: quote) else {
        throw ReferenceError("a quote is not closed")
      }
      let name = String(Substring(rest[..<end]))
      rest = rest[rest.index(after: end)...]
      guard rest.first == UInt8(ascii: "]") else {
        throw ReferenceError("a bracket is not closed")
      }
      rest.removeFirst()
      return .key(name)
    }
    let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    rest = rest[digits.endIndex...]
    guard let index = Int(Substring(digits)), rest.first == UInt8(ascii: "]") else {
      throw ReferenceError("expected a number or a quoted name in the bracket")
    }
    rest.removeFirst()
    return .index(index)
  }

  /// As it is written between the braces.
  public var text: String {
    var text: String
    switch source {
    case .inputs: text = "inputs"
    case .item: text = "item"
    case .index: text = "index"
    case .task(let id): text = id.contains(".") ? "tasks['\(id)'].output" : "tasks.\(id).output"
    }
    for step in path {
      switch step {
      case .key(let key) where key.utf8.allSatisfy(Self.isNameByte): text += ".\(key)"
      case .key(let key): text += key.contains("'") ? "[\"\(key)\"]" : "['\(key)']"
      case .index(let index): text += "[\(index)]"
      }
    }
    return text
  }
}

/// Why a reference cannot be read.
struct ReferenceError: Error, Equatable {
  var message: String

  init(_ message: String) { self.message = message }
}
