internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping

// What `-o json` prints: the fields of proto/baton/v1 under their own names, states and classes as
// the words of docs/contract.md, payloads and outputs as JSON. What is not set is left out.

/// Builds an object field by field.
struct JSONObject {
  private(set) var members: [JSONMember] = []

  var value: JSONValue { .object(members) }

  mutating func add(_ key: String, _ value: JSONValue?) {
    if let value { members.append(JSONMember(key, value)) }
  }

  mutating func add(_ key: String, _ text: String) {
    if !text.isEmpty { add(key, .string(text)) }
  }

  mutating func add(_ key: String, _ number: some BinaryInteger) {
    if number != 0 { add(key, .integer(number)) }
  }

  mutating func add(_ key: String, _ texts: [String]) {
    if !texts.isEmpty { add(key, .array(texts.map { .string($0) })) }
  }

  mutating func add(_ key: String, _ pairs: [String: String]) {
    let sorted = pairs.sorted { $0.key < $1.key }
    if !sorted.isEmpty {
      add(key, .object(sorted.map { JSONMember($0.key, .string($0.value)) }))
    }
  }
}

extension BatonV1.PlanState {
  var json: JSONValue {
    var object = JSONObject()
    object.add("plan_id", planId)
    object.add("namespace", namespace)
    object.add("name", name)
    object.add("owner", owner)
    object.add("labels", labels)
    object.add("metadata", metadata)
    object.add("status", PlanStatus(status)?.rawValue.uppercased() ?? "")
    object.add("revision", revision)
    object.add("created_at_ms", createdAtMs)
    object.add("started_at_ms", startedAtMs)
    object.add("finished_at_ms", finishedAtMs)
    object.add("deadline_at_ms", deadlineAtMs)
    object.add("priority", priority)
    object.add("parent_plan_id", parentPlanId)
    object.add("parent_task_id", parentTaskId)
    object.add("parent_index", parentIndex)
    object.add("parent_attempt", parentAttempt)
    object.add("error", error?.json)
    object.add("usage", usage?.json)
    object.add("attempts", attempts)
    object.add("budget", budget?.json)
    object.add("hold", hold?.json)
    object.add("task_count", taskCount)
    if !counts.isEmpty {
      let words = counts.map { JSONMember($0.status.upperWord, .integer($0.count)) }
      object.add("counts", .object(words))
    }
    if !tasks.isEmpty { object.add("tasks", .array(tasks.map(\.json))) }
    if let plan, let document = try? Plan(plan).document { object.add("plan", document) }
    return object.value
  }
}

extension BatonV1.Budget {
  var json: JSONValue {
    var object = JSONObject()
    object.add("tokens", tokens)
    object.add("soft_tokens", softTokens)
    object.add("tasks", tasks)
    object.add("soft_tasks", softTasks)
    if pauseAtSoft { object.add("pause_at_soft", .bool(true)) }
    return object.value
  }
}

extension BatonV1.PlanHold {
  var json: JSONValue {
    var object = JSONObject()
    object.add("code", code)
    object.add("message", message)
    object.add("since_ms", sinceMs)
    object.add("until_ms", untilMs)
    return object.value
  }
}

extension BatonV1.TaskStatus {
  /// `WAITING_RETRY`.
  var upperWord: String {
    TaskStatus.allCases.first { $0.message == self }?.rawValue.uppercased() ?? "UNKNOWN"
  }
}

extension BatonV1.TaskState {
  var json: JSONValue {
    var object = JSONObject()
    object.add("id", id)
    if case .index(let index)? = instanceIndex { object.add("index", .integer(index)) }
    object.add("type", type)
    object.add("status", status.upperWord)
    object.add("item_count", itemCount)
    object.add("ended_item_count", endedItemCount)
    object.add("sub_plan_id", subPlanId)
    object.add("attempt", attempt)
    object.add("delivery", delivery)
    object.add("adapter", adapter)
    object.add("instance", instance)
    object.add("depends_on", dependsOn)
    object.add("started_at_ms", startedAtMs)
    object.add("finished_at_ms", finishedAtMs)
    object.add("retry_at_ms", retryAtMs)
    object.add("error", error?.json)
    object.add("usage", usage?.json)
    if !outputJson.isEmpty { object.add("output", try? JSONValue(parsing: outputJson)) }
    object.add("output_bytes", outputBytes)
    if !promptJson.isEmpty { object.add("prompt", try? JSONValue(parsing: promptJson)) }
    object.add("waiting_since_ms", waitingSinceMs)
    object.add("waiting_until_ms", waitingUntilMs)
    object.add("question", question)
    return object.value
  }
}

extension BatonV1.TaskError {
  var json: JSONValue {
    var object = JSONObject()
    object.add("class", ErrorClass(errorClass)?.rawValue ?? "")
    object.add("code", code)
    object.add("message", message)
    object.add("diagnostics", diagnostics)
    object.add("retry_after_ms", retryAfterMs)
    return object.value
  }
}

extension BatonV1.Usage {
  /// Nil where nothing was used.
  var json: JSONValue? {
    var object = JSONObject()
    object.add("input_tokens", inputTokens)
    object.add("output_tokens", outputTokens)
    object.add("model", model)
    object.add("calls", calls)
    return object.members.isEmpty ? nil : object.value
  }
}

extension BatonV1.PlanEvent {
  var json: JSONValue {
    var object = JSONObject()
    object.add("seq", seq)
    object.add("time_ms", timeMs)
    object.add("kind", kind)
    object.add("task_id", taskId)
    if case .index(let index)? = instanceIndex { object.add("index", .integer(index)) }
    object.add("item_count", itemCount)
    object.add("sub_plan_id", subPlanId)
    object.add("parent_plan_id", parentPlanId)
    object.add("attempt", attempt)
    object.add("delivery", delivery)
    object.add("adapter", adapter)
    object.add("instance", instance)
    object.add("class", ErrorClass(errorClass)?.rawValue ?? "")
    object.add("code", code)
    object.add("message", message)
    object.add("delay_ms", delayMs)
    return object.value
  }
}

extension BatonV1.TaskProgress {
  /// Told apart from events by its kind; it has no `seq`.
  var json: JSONValue {
    var object = JSONObject()
    object.add("time_ms", timeMs)
    object.add("kind", "task_progress")
    object.add("task_id", taskId)
    object.add("index", index)
    object.add("attempt", attempt)
    switch body {
    case .chunk(let chunk):
      object.add(
        "chunk",
        .object([
          JSONMember("offset", .integer(chunk.offset)), JSONMember("text", .string(chunk.text)),
        ]))
    case .message(let message):
      object.add(
        "message",
        .object([
          JSONMember("agent", .string(message.agent)), JSONMember("role", .string(message.role)),
          JSONMember("content", .string(message.content)),
        ]))
    case .log(let line):
      object.add(
        "log",
        .object([
          JSONMember("severity", .string(line.severity)), JSONMember("text", .string(line.text)),
        ]))
    case nil: break
    }
    object.add("usage", usage?.json)
    return object.value
  }
}

extension BatonV1.AdapterState {
  var healthWord: String {
    switch health {
    case .alive: "alive"
    case .draining: "draining"
    case .lost: "lost"
    case .unspecified, .unrecognized: "unknown"
    }
  }

  var json: JSONValue {
    var object = JSONObject()
    object.add("adapter", adapter)
    object.add("instance", instance)
    object.add("address", address)
    object.add("framework", framework)
    object.add("framework_version", frameworkVersion)
    object.add("task_types", taskTypes)
    object.add("capabilities", capabilities)
    object.add("max_concurrency", maxConcurrency)
    object.add("in_flight", .integer(inFlight))
    object.add("health", healthWord)
    object.add("registered_at_ms", registeredAtMs)
    object.add("last_heartbeat_at_ms", lastHeartbeatAtMs)
    object.add("last_error", lastError)
    object.add("result_mode", resultMode == .poll ? "poll" : "callback")
    return object.value
  }
}

extension BatonV1.ValidatePlanResponse {
  var json: JSONValue {
    var object = JSONObject()
    object.add("valid", .bool(problems.isEmpty))
    if !levels.isEmpty {
      object.add(
        "levels", .array(levels.map { .array($0.taskIds.map { id in .string(id) }) }))
    }
    object.add("critical_path", criticalPath)
    object.add("warnings", warnings)
    return object.value
  }
}

extension BatonV1.GetServerInfoResponse {
  var json: JSONValue {
    var object = JSONObject()
    object.add("version", version)
    object.add("store", store)
    object.add("durability", durability)
    let routes = routes.map { route in
      JSONMember(route.type, .array(route.adapters.map { .string($0) }))
    }
    object.add("routes", .object(routes))
    let sorted = limits.sorted { $0.key < $1.key }
    object.add("limits", .object(sorted.map { JSONMember($0.key, .integer($0.value)) }))
    object.add("uptime_ms", .integer(uptimeMs))
    return object.value
  }
}
