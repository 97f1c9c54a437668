internal import AdapterKit
internal import JSON
internal import Messages
internal import Plan

/// What one task is to do, read from its `metadata`. Without any of these keys it succeeds at once
/// with an output made of its id and attempt.
///
/// | key | value | what happens |
/// |---|---|---|
/// | `mock.delay` | duration, `500ms` | the run takes that long |
/// | `mock.fail` | error class, `TRANSIENT` ... | the run fails with it |
/// | `mock.fail_attempts` | n | only attempts up to n fail (TRANSIENT without `mock.fail`) |
/// | `mock.code` | text | code of the failure; `MOCK` without it |
/// | `mock.retry_after` | duration | the failure (or `mock.busy`) asks for that pause |
/// | `mock.hang` | `true` | the run does not end until it is cancelled or its deadline passes |
/// | `mock.ignore_cancel` | `true` | the run does not hear a cancel or its deadline |
/// | `mock.answer_twice` | `true` | the result is reported a second time |
/// | `mock.conflict` | `true` | a different second result is reported |
/// | `mock.output` | JSON | the output |
/// | `mock.outputs` | JSON list | the output of each attempt; the last one for all that follow |
/// | `mock.ask` | n | so many questions are asked before that; their answers are the output's `json` |
/// | `mock.echo` | `true` | the output is {"text": feedback, "json": payload, "schema": schema} |
/// | `mock.chunks` | n | so many chunks of progress, spread over the delay |
/// | `mock.tokens` | n | so many tokens are used, said when the run starts and with its result |
/// | `mock.exit` | `true` or n | the process exits when the run starts (deliveries up to n) |
/// | `mock.busy` | n | the first n hand-outs are refused with RESOURCE_EXHAUSTED |
/// | `mock.reject` | `INVALID_ARGUMENT` or `UNIMPLEMENTED` | every hand-out is refused with it |
struct MockScript: Sendable, Equatable {
  var delay = Duration.zero
  /// Class of the failure, and the last attempt that fails.
  var failure: BatonV1.ErrorClass?
  var failAttempts = Int32.max
  var code = "MOCK"
  var retryAfter: Duration?
  var hangs = false
  var ignoresCancel = false
  var answersTwice = false
  var conflicts = false
  /// One per attempt.
  var outputs: [JSONValue] = []
  var echoes = false
  var questionCount = 0
  var chunkCount = 0
  var tokens: Int64?
  /// The last delivery whose start ends the process; 0: none.
  var exitDeliveries: Int32 = 0
  var busyCount = 0
  var rejection: TaskRejection.Kind?

  init() {}

  /// Refuses keys that begin with `mock.` and mean nothing, and values that cannot be read.
  init(_ metadata: [String: String]) throws(TaskRejection) {
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix("mock.") {
      guard read(key.dropFirst("mock.".count), text) else {
        throw TaskRejection(
          .invalidPayload, code: "MOCK_SCRIPT",
          message: "metadata \(key): \"\(text)\" means nothing to the mock adapter")
      }
    }
  }

  /// False where key or value cannot be read.
  private mutating func read(_ key: Substring, _ text: String) -> Bool {
    switch key {
    case "delay": set(\.delay, Duration(text: text))
    case "retry_after": set(\.retryAfter, Duration(text: text))
    case "fail": set(\.failure, BatonV1.ErrorClass(name: text))
    case "fail_attempts":
      set(\.failure, failure ?? .transient) && set(\.failAttempts, Self.count(text))
    case "code": set(\.code, text)
    case "hang": set(\.hangs, Bool(text))
    case "ignore_cancel": set(\.ignoresCancel, Bool(text))
    case "answer_twice": set(\.answersTwice, Bool(text))
    case "conflict": set(\.conflicts, Bool(text))
    case "output": set(\.outputs, (try? JSONValue(parsing: text)).map { [$0] })
    case "outputs": set(\.outputs, Self.list(text))
    case "ask": set(\.questionCount, Self.count(text).map { Int($0) })
    case "echo": set(\.echoes, Bool(text))
    case "chunks": set(\.chunkCount, Self.count(text).map { Int($0) })
    case "tokens": set(\.tokens, Self.count(text).map { Int64($0) })
    case "busy": set(\.busyCount, Self.count(text).map { Int($0) })
    case "exit": set(\.exitDeliveries, Bool(text).map { $0 ? .max : 0 } ?? Self.count(text))
    case "reject": set(\.rejection, Self.rejections[text])
    default: false
    }
  }

  private static let rejections: [String: TaskRejection.Kind] = [
    "INVALID_ARGUMENT": .invalidPayload, "UNIMPLEMENTED": .unsupported,
  ]

  private mutating func set<Value>(
    _ path: WritableKeyPath<Self, Value>, _ value: Value?
  ) -> Bool {
    guard let value else { return false }
    self[keyPath: path] = value
    return true
  }

  private mutating func set<Value>(
    _ path: WritableKeyPath<Self, Value?>, _ value: Value?
  ) -> Bool {
    guard let value else { return false }
    self[keyPath: path] = value
    return true
  }

  private static func list(_ text: String) -> [JSONValue]? {
    guard case .array(let elements) = try? JSONValue(parsing: text) else { return nil }
    return elements
  }

  private static func count(_ text: String) -> Int32? {
    Int32(text).flatMap { $0 >= 0 ? $0 : nil }
  }
}

extension Duration {
  /// "500ms", "30s", "1m30s"; nil for anything else and below zero.
  init?(text: String) {
    guard let milliseconds = DurationText.milliseconds(text), milliseconds >= 0 else { return nil }
    self = .milliseconds(milliseconds)
  }
}

extension BatonV1.ErrorClass {
  /// The words of docs/contract.md.
  init?(name: String) {
    switch name {
    case "TRANSIENT": self = .transient
    case "PERMANENT": self = .permanent
    case "RATE_LIMITED": self = .rateLimited
    case "TIMEOUT": self = .timeout
    case "CANCELLED": self = .cancelled
    case "INVALID_OUTPUT": self = .invalidOutput
    case "UNSUPPORTED": self = .unsupported
    default: return nil
    }
  }
}
