/// Plans to start from.
enum PlanTemplate: String, CaseIterable, Sendable {
  case chain
  case fanOutJoin = "fan-out-join"
  case retry
  case twoFrameworks = "two-frameworks"

  /// What it shows, in a few words.
  var summary: String {
    switch self {
    case .chain: "each step builds on the one before"
    case .fanOutJoin: "several tasks side by side, and one that joins their results"
    case .retry: "retries, time limits, and a task that may fail"
    case .twoFrameworks: "CrewAI and LangChain in one plan, portable and native tasks"
    }
  }

  static var overview: String {
    let width = allCases.map(\.rawValue.count).max() ?? 0
    return allCases.map { template in
      let padding = String(repeating: " ", count: width - template.rawValue.count)
      return "  \(template.rawValue)\(padding)  \(template.summary)"
    }.joined(separator: "\n")
  }

  /// The plan in YAML, with comments.
  var text: String {
    switch self {
    case .chain: Self.chainText
    case .fanOutJoin: Self.fanOutJoinText
    case .retry: Self.retryText
    case .twoFrameworks: Self.twoFrameworksText
    }
  }
}
