public import JSON

// The plan as people write it, in YAML or JSON: the one reading and writing of it, for files, for
// the store and for exports.

extension Plan {
  /// Reads a plan document. Throws everything that is wrong with its shape; what the values mean
  /// together is `CompiledPlan`'s to check.
  public init(document: JSONValue) throws(PlanProblems) {
    var reader = DocumentReader()
    self.init()
    if let fields = reader.object(
      document, at: "",
      known: [
        "name", "owner", "labels", "metadata", "inputs", "adapter", "retry", "timeouts",
        "priority", "max_parallel", "deadline", "deadline_ms", "budget", "tasks",
      ])
    {
      read(fields, &reader)
    }
    guard reader.problems.isEmpty else { throw PlanProblems(reader.problems) }
  }

  private mutating func read(_ fields: DocumentFields, _ reader: inout DocumentReader) {
    name = reader.string(fields, "name") ?? name
    owner = reader.string(fields, "owner") ?? owner
    labels = reader.texts(fields, "labels")
    metadata = reader.texts(fields, "metadata")
    inputs = reader.objectBytes(fields, "inputs") ?? inputs
    adapter = reader.string(fields, "adapter")
    retry = RetryOptions(fields, &reader)
    timeouts = TimeoutOptions(fields, &reader)
    priority = reader.int32(fields, "priority") ?? priority
    maxParallel = reader.int32(fields, "max_parallel")
    deadline = Deadline(fields, &reader)
    budget = Budget(fields, &reader)
    guard let elements = reader.array(fields, "tasks", required: true) else { return }
    tasks = elements.enumerated().map { PlanTask($1, at: "tasks[\($0)]", &reader) }
  }

  /// The plan as a document; reading it gives the same plan.
  public var document: JSONValue {
    var members: [JSONMember] = []
    members.add("name", name)
    members.add("owner", owner)
    members.add("labels", labels)
    members.add("metadata", metadata)
    if inputs != Array("{}".utf8), let value = try? JSONValue(parsing: inputs) {
      members.append(JSONMember("inputs", value))
    }
    members.add("adapter", adapter ?? "")
    members.add("retry", retry.members)
    members.add("timeouts", timeouts.members)
    if priority != 0 { members.append(JSONMember("priority", .integer(priority))) }
    if let maxParallel { members.append(JSONMember("max_parallel", .integer(maxParallel))) }
    switch deadline {
    case .after(let milliseconds)?: members.add("deadline", duration: milliseconds)
    case .at(let milliseconds)?: members.append(JSONMember("deadline_ms", .integer(milliseconds)))
    case nil: break
    }
    members.add("budget", budget?.members ?? [])
    members.append(JSONMember("tasks", .array(tasks.map(\.document))))
    return .object(members)
  }
}

extension PlanTask {
  init(_ value: JSONValue, at path: String, _ reader: inout DocumentReader) {
    self.init()
    guard
      let fields = reader.object(
        value, at: path,
        known: [
          "id", "type", "payload", "depends_on", "adapter", "retry", "timeouts", "priority",
          "on_failure", "max_deliveries", "metadata", "when",
          "output_schema", "map",
        ])
    else { return }
    id = reader.string(fields, "id", required: true) ?? ""
    type = reader.string(fields, "type", required: true) ?? ""
    payload = reader.objectBytes(fields, "payload") ?? payload
    dependsOn = reader.strings(fields, "depends_on")
    adapter = reader.string(fields, "adapter")
    retry = RetryOptions(fields, &reader)
    timeouts = TimeoutOptions(fields, &reader)
    priority = reader.int32(fields, "priority") ?? priority
    maxDeliveries = reader.int32(fields, "max_deliveries")
    metadata = reader.texts(fields, "metadata")
    when = reader.string(fields, "when")
    outputSchema = reader.objectBytes(fields, "output_schema")
    if let map = reader.object(fields, "map", known: ["over", "max_parallel"]) {
      self.map = MapOptions(
        over: reader.string(map, "over", required: true) ?? "",
        maxParallel: reader.int32(map, "max_parallel"))
    }
    if let text = reader.string(fields, "on_failure") {
      if let known = OnFailure(rawValue: text) {
        onFailure = known
      } else {
        reader.refuse(fields, "on_failure", "\"\(text)\" is neither fail nor continue")
      }
    }
  }

  var document: JSONValue {
    var members: [JSONMember] = []
    members.append(JSONMember("id", .string(id)))
    members.append(JSONMember("type", .string(type)))
    members.add("adapter", adapter ?? "")
    if !dependsOn.isEmpty {
      members.append(JSONMember("depends_on", .array(dependsOn.map { .string($0) })))
    }
    if payload != Array("{}".utf8), let value = try? JSONValue(parsing: payload) {
      members.append(JSONMember("payload", value))
    }
    if let when { members.append(JSONMember("when", .string(when))) }
    if let outputSchema, let value = try? JSONValue(parsing: outputSchema) {
      members.append(JSONMember("output_schema", value))
    }
    if let map {
      members.append(JSONMember("map", .object(map.members)))
    }
    members.add("retry", retry.members)
    members.add("timeouts", timeouts.members)
    if priority != 0 { members.append(JSONMember("priority", .integer(priority))) }
    if onFailure != .fail { members.add("on_failure", onFailure.rawValue) }
    if let maxDeliveries { members.append(JSONMember("max_deliveries", .integer(maxDeliveries))) }
    members.add("metadata", metadata)
    return .object(members)
  }
}

extension Deadline {
  /// `deadline: 2h` from the submission on, or `deadline_ms`, a time.
  init?(_ fields: DocumentFields, _ reader: inout DocumentReader) {
    let after = reader.duration(fields, "deadline")
    guard let at = reader.int64(fields, "deadline_ms") else {
      guard let after else { return nil }
      self = .after(milliseconds: after)
      return
    }
    if after != nil {
      reader.refuse(fields, "deadline_ms", "the plan has a deadline already; leave one of them out")
    }
    self = .at(milliseconds: at)
  }
}

extension MapOptions {
  var members: [JSONMember] {
    var members = [JSONMember("over", .string(over))]
    if let maxParallel { members.append(JSONMember("max_parallel", .integer(maxParallel))) }
    return members
  }
}

extension Budget {
  init?(_ parent: DocumentFields, _ reader: inout DocumentReader) {
    guard
      let fields = reader.object(
        parent, "budget", known: ["tokens", "soft_tokens", "tasks", "soft_tasks", "on_soft"])
    else { return nil }
    self.init()
    tokens = reader.int64(fields, "tokens")
    softTokens = reader.int64(fields, "soft_tokens")
    tasks = reader.int64(fields, "tasks")
    softTasks = reader.int64(fields, "soft_tasks")
    guard let text = reader.string(fields, "on_soft") else { return }
    pausesAtSoft = text == "pause"
    if text != "pause" && text != "warn" {
      reader.refuse(fields, "on_soft", "\"\(text)\" is neither warn nor pause")
    }
  }

  var members: [JSONMember] {
    let limits = [
      ("tokens", tokens), ("soft_tokens", softTokens), ("tasks", tasks), ("soft_tasks", softTasks),
    ]
    var members = limits.compactMap { name, limit in
      limit.map { JSONMember(name, .integer($0)) }
    }
    if pausesAtSoft { members.append(JSONMember("on_soft", .string("pause"))) }
    return members
  }
}

extension RetryOptions {
  init(_ parent: DocumentFields, _ reader: inout DocumentReader) {
    self.init()
    guard
      let fields = reader.object(
        parent, "retry", known: ["max_attempts", "initial", "multiplier", "max", "jitter"])
    else { return }
    maxAttempts = reader.int32(fields, "max_attempts")
    initialDelayMilliseconds = reader.duration(fields, "initial")
    multiplier = reader.double(fields, "multiplier")
    maxDelayMilliseconds = reader.duration(fields, "max")
    jitter = reader.double(fields, "jitter")
  }

  var members: [JSONMember] {
    var members: [JSONMember] = []
    if let maxAttempts { members.append(JSONMember("max_attempts", .integer(maxAttempts))) }
    members.add("initial", duration: initialDelayMilliseconds)
    if let multiplier { members.append(JSONMember("multiplier", .number("\(multiplier)"))) }
    members.add("max", duration: maxDelayMilliseconds)
    if let jitter { members.append(JSONMember("jitter", .number("\(jitter)"))) }
    return members
  }
}

extension TimeoutOptions {
  init(_ parent: DocumentFields, _ reader: inout DocumentReader) {
    self.init()
    guard
      let fields = reader.object(
        parent, "timeouts", known: ["schedule_to_start", "start_to_close", "heartbeat"])
    else { return }
    scheduleToStartMilliseconds = reader.duration(fields, "schedule_to_start")
    startToCloseMilliseconds = reader.duration(fields, "start_to_close")
    heartbeatMilliseconds = reader.duration(fields, "heartbeat")
  }

  var members: [JSONMember] {
    var members: [JSONMember] = []
    members.add("schedule_to_start", duration: scheduleToStartMilliseconds)
    members.add("start_to_close", duration: startToCloseMilliseconds)
    members.add("heartbeat", duration: heartbeatMilliseconds)
    return members
  }
}

extension [JSONMember] {
  fileprivate mutating func add(_ key: String, _ text: String) {
    if !text.isEmpty { append(JSONMember(key, .string(text))) }
  }

  fileprivate mutating func add(_ key: String, duration: Int64?) {
    if let duration { add(key, DurationText.text(duration)) }
  }

  fileprivate mutating func add(_ key: String, _ members: [JSONMember]) {
    if !members.isEmpty { append(JSONMember(key, .object(members))) }
  }

  fileprivate mutating func add(_ key: String, _ pairs: [String: String]) {
    add(key, pairs.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) })
  }
}
