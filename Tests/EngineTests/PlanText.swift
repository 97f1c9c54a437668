import Engine
import Plan

/// A plan from a line of text, so that tests show the graph they are about:
/// `a b<a c<a,b attempts=1 continue`.
///
/// A word that is an id, with `<` and what it depends on, begins a task; the words after it set its
/// fields: `attempts=`, `initial=`, `deliveries=`, `priority=`, `type=`, `adapter=`, `start=`
/// (schedule_to_start), `close=` (start_to_close), `beat=` (heartbeat), `continue`, `gated` (it has a
/// condition), `map` and `map=` (it is run over a list, so many at a time). Words before the first task
/// set fields of the plan: `parallel=`, `deadline=`, and of its budget: `tokens=`, `soft_tokens=`,
/// `tasks=`, `soft_tasks=`, `on_soft=pause`.
func plan(_ text: String) -> Plan {
  var plan = Plan()
  plan.inputs = Array(#"{"go":true,"list":[]}"#.utf8)
  for word in text.split(separator: " ") {
    let parts = word.split(separator: "=", maxSplits: 1)
    if parts.count == 2 {
      set(&plan, String(parts[0]), String(parts[1]))
    } else if word == "continue" {
      plan.tasks[plan.tasks.count - 1].onFailure = .continue
    } else if word == "map" {
      plan.tasks[plan.tasks.count - 1].map = MapOptions(over: "${{ inputs.list }}")
    } else if word == "gated" {
      plan.tasks[plan.tasks.count - 1].when = "inputs.go"
    } else {
      let names = word.split(separator: "<")
      var task = PlanTask()
      task.id = String(names[0])
      task.type = "t"
      task.retry.jitter = 0
      if names.count > 1 { task.dependsOn = names[1].split(separator: ",").map(String.init) }
      plan.tasks.append(task)
    }
  }
  return plan
}

private func set(_ plan: inout Plan, _ field: String, _ value: String) {
  guard !plan.tasks.isEmpty else {
    switch field {
    case "parallel": plan.maxParallel = Int32(value)
    case "deadline": plan.deadline = .after(milliseconds: milliseconds(value))
    default: set(&plan.budget, field, value)
    }
    return
  }
  let last = plan.tasks.count - 1
  switch field {
  case "attempts": plan.tasks[last].retry.maxAttempts = Int32(value)
  case "initial": plan.tasks[last].retry.initialDelayMilliseconds = milliseconds(value)
  case "deliveries": plan.tasks[last].maxDeliveries = Int32(value)
  case "priority": plan.tasks[last].priority = Int32(value) ?? 0
  case "map":
    plan.tasks[last].map = MapOptions(over: "${{ inputs.list }}", maxParallel: Int32(value))
  case "type":
    plan.tasks[last].type = value
    if plan.tasks[last].isSubPlan { plan.tasks[last].payload = anySubPlan }
    if plan.tasks[last].isApproval { plan.tasks[last].payload = Array(#"{"prompt":"?"}"#.utf8) }
  case "adapter": plan.tasks[last].adapter = value
  case "start": plan.tasks[last].timeouts.scheduleToStartMilliseconds = milliseconds(value)
  case "beat": plan.tasks[last].timeouts.heartbeatMilliseconds = milliseconds(value)
  case "close": plan.tasks[last].timeouts.startToCloseMilliseconds = milliseconds(value)
  default: preconditionFailure("no field of a task: \(field)")
  }
}

private func set(_ budget: inout Budget?, _ field: String, _ value: String) {
  var changed = budget ?? Budget()
  switch field {
  case "tokens": changed.tokens = Int64(value)
  case "soft_tokens": changed.softTokens = Int64(value)
  case "tasks": changed.tasks = Int64(value)
  case "soft_tasks": changed.softTasks = Int64(value)
  case "on_soft": changed.pausesAtSoft = value == "pause"
  default: preconditionFailure("no field of a plan: \(field)")
  }
  budget = changed
}

/// A payload for a task of type `plan`.
let anySubPlan = Array(#"{"plan":{"tasks":[{"id":"x","type":"t"}]}}"#.utf8)

func milliseconds(_ text: String) -> Int64 {
  guard let value = DurationText.milliseconds(text) else {
    preconditionFailure("no duration: \(text)")
  }
  return value
}

func digest(_ byte: UInt8) -> Digest {
  guard let digest = Digest(Array(repeating: byte, count: 32)) else {
    preconditionFailure("32 bytes are a digest")
  }
  return digest
}

extension AdapterPool {
  /// A pool from text: `mock/m1:t,u*2` is instance m1 of adapter mock for types t and u with two
  /// places.
  init(_ instances: String, routes: Routes? = nil, limits: Limits = Limits()) {
    let parsed = instances.split(separator: " ").map { Instance(text: String($0)) }
    let all = Routes(fallback: parsed.map(\.adapter))
    self.init(routes: routes ?? all, limits: limits)
    for instance in parsed { register(instance) }
  }
}

extension AdapterPool.Instance {
  init(text: String) {
    let words = text.split { "/:*".contains($0) }.map(String.init)
    precondition(words.count == 4, "no instance: \(text)")
    self.init(
      adapter: words[0], name: words[1],
      taskTypes: Set(words[2].split(separator: ",").map(String.init)),
      maxConcurrency: Int(words[3]) ?? 0)
  }
}
