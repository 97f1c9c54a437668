/// One thing that is wrong with a plan.
public struct PlanProblem: Sendable, Equatable, CustomStringConvertible {
  /// Where: `tasks[3].retry.max_attempts`; empty for the plan as a whole.
  public var field: String
  /// Stable and machine-readable.
  public var reason: Reason
  /// What is wrong and what would be right.
  public var message: String

  public init(_ field: String, _ reason: Reason, _ message: String) {
    self.field = Self.shown(field)
    self.reason = reason
    self.message = Self.shown(message)
  }

  /// `text` without what a terminal would act on, and no longer than an error should be: it may
  /// quote anything that was sent to us.
  private static func shown(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard scalars.contains(where: \.isControlCharacter) || text.utf8.count > maxTextBytes else {
      return text
    }
    var shown = String.UnicodeScalarView()
    var bytes = 0
    for scalar in scalars {
      bytes += UTF8.width(scalar)
      guard bytes <= maxTextBytes else { return String(shown) + "…" }
      shown.append(scalar.isControlCharacter ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }

  /// Room for twenty ids of the greatest length.
  private static let maxTextBytes = 6_000

  public var description: String { field.isEmpty ? message : "\(field): \(message)" }

  /// Why something is refused.
  public struct Reason: Sendable, Hashable {
    public let name: String
    /// The plan is not wrong but too big.
    public let isLimit: Bool

    init(_ name: String, isLimit: Bool = false) {
      self.name = name
      self.isLimit = isLimit
    }

    public static let badField = Reason("BAD_FIELD")
    public static let unknownField = Reason("UNKNOWN_FIELD")
    public static let badID = Reason("BAD_ID")
    public static let badText = Reason("BAD_TEXT")
    public static let badJSON = Reason("BAD_JSON")
    public static let outOfRange = Reason("OUT_OF_RANGE")
    public static let noTasks = Reason("NO_TASKS")
    public static let duplicateID = Reason("DUPLICATE_ID")
    public static let unknownDependency = Reason("UNKNOWN_DEPENDENCY")
    public static let selfDependency = Reason("SELF_DEPENDENCY")
    public static let cycle = Reason("CYCLE")
    public static let badReference = Reason("BAD_REFERENCE")
    public static let badSchema = Reason("BAD_SCHEMA")
    public static let badCondition = Reason("BAD_CONDITION")
    public static let notUpstream = Reason("NOT_UPSTREAM")
    public static let tooManyTasks = Reason("TOO_MANY_TASKS", isLimit: true)
    public static let tooManyEdges = Reason("TOO_MANY_EDGES", isLimit: true)
    public static let tooLarge = Reason("TOO_LARGE", isLimit: true)
    public static let tooDeep = Reason("TOO_DEEP", isLimit: true)
  }
}

extension Unicode.Scalar {
  /// C0, DEL and C1.
  var isControlCharacter: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

/// Everything that is wrong with a plan.
public struct PlanProblems: Error, Sendable, Equatable, CustomStringConvertible {
  public var problems: [PlanProblem]

  public init(_ problems: [PlanProblem]) { self.problems = problems }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// What a plan may be at most.
public struct PlanLimits: Sendable, Equatable {
  public var maxTasks = 20_000
  public var maxEdges = 200_000
  public var maxIDBytes = 255
  public var maxPayloadBytes = 2 << 20
  public var maxOutputBytes = 1 << 20
  /// Elements that one task is run over; with a plan's tasks they are at most `maxTasks`.
  public var maxMapItems = 10_000
  public var maxPlanOutputBytes: Int64 = 64 << 20
  public var maxAttempts: Int32 = 100
  /// Ten years.
  public var maxDurationMilliseconds: Int64 = 315_576_000_000
  public var maxPriority: Int32 = 1_000
  /// Labels of a plan.
  public var maxLabels = 100
  public var maxMetadataBytes = 64 << 10
  public var maxTaskMetadataBytes = 1 << 20
  /// Of the ids that one task depends on.
  public var maxDependencyBytes = 1 << 20
  /// Plans around a plan.
  public var maxSubPlanDepth = 8
  /// Inputs of a plan within a plan are what tasks gave, which may look like anything.
  public var allowsReferencesInInputs = false
  /// Items that one message names at most.
  public var maxNamedItems = 20

  public init() {}
}

extension PlanLimits {
  /// For plans that were accepted before.
  public static var unlimited: PlanLimits {
    var limits = PlanLimits()
    limits.maxTasks = .max
    limits.maxEdges = .max
    limits.maxPayloadBytes = .max
    limits.maxAttempts = .max
    limits.maxDurationMilliseconds = .max
    limits.maxPriority = .max - 1
    limits.maxIDBytes = .max
    limits.maxLabels = .max
    limits.maxMetadataBytes = .max
    limits.maxTaskMetadataBytes = .max
    limits.maxDependencyBytes = .max
    limits.allowsReferencesInInputs = true
    return limits
  }
}
