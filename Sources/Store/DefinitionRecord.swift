internal import JSON
public import Plan

/// What never changes of a plan, as durable stores keep it.
///
/// Inputs and payloads lie apart from the document, byte for byte: a hand-out that is repeated
/// after a restart must be identical, and their own nesting may use up the parser's depth.
public struct DefinitionRecord: Sendable, Equatable {
  /// JSON: `{"plan": …, "sizes": [bytes of the inputs, of the first task's payload, …],
  /// "defaults": …}`; the plan is a document without inputs and payloads.
  public var document: [UInt8]
  /// Inputs, then the payloads in the order of the tasks.
  public var payloads: [UInt8]

  public init(document: [UInt8], payloads: [UInt8]) {
    self.document = document
    self.payloads = payloads
  }

  public init(_ plan: Plan, _ defaults: PlanDefaults) {
    var bare = plan
    var sizes: [JSONValue] = [.integer(plan.inputs.count)]
    payloads = plan.inputs
    bare.inputs = Self.none
    for index in plan.tasks.indices {
      sizes.append(.integer(plan.tasks[index].payload.count))
      payloads += plan.tasks[index].payload
      bare.tasks[index].payload = Self.none
    }
    document =
      JSONValue.object([
        JSONMember("plan", bare.document),
        JSONMember("sizes", .array(sizes)),
        JSONMember("defaults", defaults.record),
      ]).bytes
  }

  /// What a plan document leaves out.
  private static let none = Array("{}".utf8)

  /// The plan and its defaults.
  public func decoded() throws(StoreError) -> (plan: Plan, defaults: PlanDefaults) {
    do {
      let value = try JSONValue(parsing: document)
      var plan = try Plan(document: value["plan"] ?? .null)
      guard case .array(let elements) = value["sizes"], elements.count == plan.tasks.count + 1
      else { throw StoreError(.corrupt, "sizes are missing") }
      let sizes = elements.map { Int($0.integerValue ?? -1) }
      guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, +) == payloads.count else {
        throw StoreError(.corrupt, "the payloads do not have their sizes")
      }
      plan.inputs = Array(payloads[..<sizes[0]])
      var offset = sizes[0]
      for index in plan.tasks.indices {
        plan.tasks[index].payload = Array(payloads[offset..<(offset + sizes[index + 1])])
        offset += sizes[index + 1]
      }
      return (plan, try PlanDefaults(record: value["defaults"] ?? .null))
    } catch {
      throw StoreError(.corrupt, "a stored plan cannot be read: \(error)")
    }
  }
}

extension PlanDefaults {
  fileprivate var record: JSONValue {
    .object([
      JSONMember("max_attempts", .integer(retry.maxAttempts)),
      JSONMember("initial_delay_ms", .integer(retry.initialDelayMilliseconds)),
      JSONMember("multiplier", .number("\(retry.multiplier)")),
      JSONMember("max_delay_ms", .integer(retry.maxDelayMilliseconds)),
      JSONMember("jitter", .number("\(retry.jitter)")),
      JSONMember("schedule_to_start_ms", .integer(timeouts.scheduleToStartMilliseconds)),
      JSONMember("start_to_close_ms", .integer(timeouts.startToCloseMilliseconds)),
      JSONMember("heartbeat_ms", .integer(timeouts.heartbeatMilliseconds)),
      JSONMember("max_deliveries", .integer(maxDeliveries)),
      JSONMember("max_parallel", .integer(maxParallel)),
    ])
  }

  fileprivate init(record: JSONValue) throws(StoreError) {
    func integer<Number: FixedWidthInteger>(_ key: String) throws(StoreError) -> Number {
      guard let value = record[key]?.integerValue, let number = Number(exactly: value) else {
        throw StoreError(.corrupt, "default \(key) is missing")
      }
      return number
    }
    func double(_ key: String) throws(StoreError) -> Double {
      guard let value = record[key]?.doubleValue else {
        throw StoreError(.corrupt, "default \(key) is missing")
      }
      return value
    }
    self.init()
    retry.maxAttempts = try integer("max_attempts")
    retry.initialDelayMilliseconds = try integer("initial_delay_ms")
    retry.multiplier = try double("multiplier")
    retry.maxDelayMilliseconds = try integer("max_delay_ms")
    retry.jitter = try double("jitter")
    timeouts.scheduleToStartMilliseconds = try integer("schedule_to_start_ms")
    timeouts.startToCloseMilliseconds = try integer("start_to_close_ms")
    timeouts.heartbeatMilliseconds = try integer("heartbeat_ms")
    maxDeliveries = try integer("max_deliveries")
    maxParallel = try integer("max_parallel")
  }
}
