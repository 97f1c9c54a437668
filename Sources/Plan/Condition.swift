internal import JSON

/// A task's `when:`: whether it is run, by what came out upstream and by the plan's inputs.
///
/// A subset of the Common Expression Language, `docs/conditions.md`. Nothing of it calls, loops or
/// computes without bound: its text, nesting and look-ups are limited at submission.
public struct Condition: Sendable, Equatable {
  /// As it was written.
  public let text: String
  let root: Node
  /// What it reads, in the order of the text.
  public let names: [Name]
  /// Of `names`, those that `has()` asks for: they need not be there.
  let optional: Set<Reference>

  static let maxTextBytes = 2_048
  static let maxDepth = 32
  /// Each is a search through up to a whole output.
  static let maxNames = 32

  /// Something outside that a condition reads.
  public enum Name: Sendable, Hashable {
    /// A place in the inputs or in a task's output.
    case value(Reference)
    /// `tasks.ID.status`.
    case status(taskID: String)

    /// The task that is read.
    public var taskID: String? {
      switch self {
      case .value(let reference):
        if case .task(let id) = reference.source { id } else { nil }
      case .status(let id): id
      }
    }
  }

  indirect enum Node: Sendable, Equatable {
    case literal(JSONValue)
    case list([Node])
    case name(Name)
    case not(Node)
    case all([Node])
    case any([Node])
    case compare(Comparison, Node, Node)
    case isIn(Node, Node)
    case size(Node)
    case has(Reference)
    case test(TextTest, Node, Node)
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// Whether it needs an order.
    var isOrdered: Bool { self != .equal && self != .notEqual }
  }

  enum TextTest: String, Sendable, CaseIterable {
    case startsWith, endsWith, contains
  }

  /// Parses and checks a condition.
  init(parsing text: String) throws(ConditionMistake) {
    guard text.utf8.count <= Self.maxTextBytes else {
      throw ConditionMistake(
        nil, "has \(text.utf8.count) bytes; the limit is \(Self.maxTextBytes)")
    }
    var parser = ConditionParser(text)
    root = try parser.parse()
    names = parser.names
    optional = parser.optional
    self.text = text
  }
}

/// Why a text is no condition.
struct ConditionMistake: Error, Equatable {
  /// 1-based place in the text, in Unicode scalars; nil: the text as a whole.
  var place: Int?
  var message: String

  init(_ place: Int?, _ message: String) {
    self.place = place
    self.message = message
  }

  var sentence: String { place.map { "at character \($0): \(message)" } ?? message }
}

/// Why a condition came to no answer when it was evaluated.
public struct ConditionError: Error, Sendable, Equatable {
  /// For people; names the place.
  public var message: String

  init(_ message: String) { self.message = message }
}
