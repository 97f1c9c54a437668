internal import JSON

/// Collects everything that is wrong with a plan; iterative, so that no plan exhausts the stack.
struct PlanValidator {
  let limits: PlanLimits
  private(set) var problems: [PlanProblem] = []
  /// A plan with thousands of mistakes is told about the first hundred.
  private static let maxProblems = 100

  init(limits: PlanLimits) { self.limits = limits }

  mutating func refuse(
    _ field: String, _ reason: PlanProblem.Reason, _ message: String
  ) {
    if problems.count < Self.maxProblems { problems.append(PlanProblem(field, reason, message)) }
  }

  mutating func checkSize(_ plan: Plan) {
    if plan.tasks.isEmpty { refuse("tasks", .noTasks, "a plan needs at least one task") }
    if plan.tasks.count > limits.maxTasks {
      refuse(
        "tasks", .tooManyTasks, "\(plan.tasks.count) tasks; the limit is \(limits.maxTasks)")
    }
    let edges = plan.tasks.reduce(0) { $0 + $1.dependsOn.count }
    if edges > limits.maxEdges {
      refuse("tasks", .tooManyEdges, "\(edges) dependencies; the limit is \(limits.maxEdges)")
    }
    checkBytes("inputs", plan.inputs.count, limits.maxPayloadBytes)
    if plan.labels.count > limits.maxLabels {
      refuse(
        "labels", .tooLarge, "\(plan.labels.count) labels; the limit is \(limits.maxLabels)")
    }
    checkBytes("metadata", plan.metadata.byteCount, limits.maxMetadataBytes)
    for (index, task) in plan.tasks.enumerated() {
      checkBytes("tasks[\(index)].payload", task.payload.count, limits.maxPayloadBytes)
      checkBytes(
        "tasks[\(index)].metadata", task.metadata.byteCount, limits.maxTaskMetadataBytes)
      checkBytes(
        "tasks[\(index)].depends_on", task.dependsOn.reduce(0) { $0 + $1.utf8.count },
        limits.maxDependencyBytes)
    }
  }

  private mutating func checkBytes(_ field: String, _ count: Int, _ limit: Int) {
    if count > limit { refuse(field, .tooLarge, "\(count) bytes; the limit is \(limit)") }
  }

  mutating func checkFields(_ plan: Plan) {
    checkText("name", plan.name)
    checkText("owner", plan.owner)
    checkPairs("labels", plan.labels, keysAreIDs: true)
    checkPairs("metadata", plan.metadata, keysAreIDs: false)
    if let adapter = plan.adapter { checkID("adapter", adapter) }
    checkRetry("retry", plan.retry)
    checkTimeouts("timeouts", plan.timeouts)
    checkPriority("priority", plan.priority)
    checkDeadline(plan.deadline)
    checkBudget(plan.budget)
    if let maxParallel = plan.maxParallel, maxParallel < 1 {
      refuse("max_parallel", .outOfRange, "\(maxParallel) is below 1")
    }
    do throws(PlanProblem.Wrapped) {
      let template = try PayloadTemplate(compiling: plan.inputs, field: "inputs")
      if !template.references.isEmpty && !limits.allowsReferencesInInputs {
        refuse("inputs", .badReference, "inputs hold no references; tasks refer to them")
      }
    } catch {
      refuse(error.problem.field, error.problem.reason, error.problem.message)
    }
    for (index, task) in plan.tasks.enumerated() { checkTask("tasks[\(index)]", task) }
  }

  private mutating func checkTask(_ path: String, _ task: PlanTask) {
    checkID("\(path).id", task.id)
    checkID("\(path).type", task.type)
    if let adapter = task.adapter { checkID("\(path).adapter", adapter) }
    checkRetry("\(path).retry", task.retry)
    checkTimeouts("\(path).timeouts", task.timeouts)
    checkPriority("\(path).priority", task.priority)
    checkPairs("\(path).metadata", task.metadata, keysAreIDs: false)
    if task.isApproval, JSONReader.find([.key("prompt")], in: task.payload) == nil {
      refuse("\(path).payload.prompt", .badField, "is missing: an approval says what it asks for")
    }
    if let deliveries = task.maxDeliveries, !(1...1_000).contains(deliveries) {
      refuse("\(path).max_deliveries", .outOfRange, "\(deliveries) is not in 1 to 1000")
    }
  }

  private mutating func checkRetry(_ path: String, _ retry: RetryOptions) {
    if let attempts = retry.maxAttempts, !(1...limits.maxAttempts).contains(attempts) {
      refuse(
        "\(path).max_attempts", .outOfRange, "\(attempts) is not in 1 to \(limits.maxAttempts)")
    }
    if let multiplier = retry.multiplier, !(multiplier.isFinite && multiplier >= 1) {
      refuse(
        "\(path).multiplier", .outOfRange, "\(multiplier) is not a finite number of at least 1")
    }
    if let jitter = retry.jitter, !(0...1).contains(jitter) {
      refuse("\(path).jitter", .outOfRange, "\(jitter) is not in 0 to 1")
    }
    checkDuration("\(path).initial", retry.initialDelayMilliseconds, least: 0)
    checkDuration("\(path).max", retry.maxDelayMilliseconds, least: 0)
  }

  private mutating func checkTimeouts(_ path: String, _ timeouts: TimeoutOptions) {
    checkDuration("\(path).schedule_to_start", timeouts.scheduleToStartMilliseconds, least: 1)
    checkDuration("\(path).start_to_close", timeouts.startToCloseMilliseconds, least: 1)
    checkDuration("\(path).heartbeat", timeouts.heartbeatMilliseconds, least: 1)
  }

  private mutating func checkDuration(_ field: String, _ milliseconds: Int64?, least: Int64) {
    guard let milliseconds else { return }
    if milliseconds < 0 {
      refuse(field, .outOfRange, "a duration cannot be negative (\(milliseconds) ms)")
    } else if milliseconds < least {
      refuse(field, .outOfRange, "must be longer than nothing")
    } else if milliseconds > limits.maxDurationMilliseconds {
      refuse(field, .outOfRange, "\(milliseconds) ms is longer than ten years")
    }
  }

  private mutating func checkDeadline(_ deadline: Deadline?) {
    switch deadline {
    case .after(let milliseconds)?: checkDuration("deadline", milliseconds, least: 1)
    case .at(let milliseconds)?:
      // Up to the year 10000: no sum with it overflows.
      if !(0...253_402_300_800_000).contains(milliseconds) {
        refuse("deadline_ms", .outOfRange, "\(milliseconds) is no time in ms since 1970")
      }
    case nil: break
    }
  }

  private mutating func checkBudget(_ budget: Budget?) {
    guard let budget else { return }
    checkLimit("budget.tokens", budget.tokens, least: 1)
    checkLimit("budget.soft_tokens", budget.softTokens, least: 1)
    checkLimit("budget.tasks", budget.tasks, least: 1)
    checkLimit("budget.soft_tasks", budget.softTasks, least: 1)
  }

  private mutating func checkLimit(_ field: String, _ limit: Int64?, least: Int64) {
    if let limit, limit < least { refuse(field, .outOfRange, "\(limit) is below \(least)") }
  }

  private mutating func checkPriority(_ field: String, _ priority: Int32) {
    guard priority < -limits.maxPriority || priority > limits.maxPriority else { return }
    refuse(
      field, .outOfRange, "\(priority) is not in -\(limits.maxPriority) to \(limits.maxPriority)")
  }

  private mutating func checkID(_ field: String, _ id: String) {
    if let message = Identifier.mistake(in: id, maxBytes: limits.maxIDBytes) {
      refuse(field, .badID, message)
    }
  }

  private mutating func checkText(_ field: String, _ text: String) {
    if text.utf8.count > limits.maxIDBytes {
      refuse(field, .badText, "\(text.utf8.count) bytes; the limit is \(limits.maxIDBytes)")
    }
    if text.unicodeScalars.contains(where: \.isControlCharacter) {
      refuse(field, .badText, "holds a control character")
    }
  }

  private mutating func checkPairs(_ field: String, _ pairs: [String: String], keysAreIDs: Bool) {
    for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
      if keysAreIDs {
        checkID("\(field).\(key)", key)
        checkText("\(field).\(key)", value)
      } else if value.utf8.contains(0) || key.unicodeScalars.contains(where: \.isControlCharacter) {
        refuse("\(field).\(key)", .badText, "holds a control character")
      }
    }
  }

  /// What a change says of a plan.
  mutating func check(_ update: PlanUpdate) {
    if let priority = update.priority { checkPriority("priority", priority) }
    if case .set(let deadline) = update.deadline { checkDeadline(deadline) }
    checkLimit("budget.tokens", update.budget.tokens, least: 0)
    checkLimit("budget.soft_tokens", update.budget.softTokens, least: 0)
    checkLimit("budget.tasks", update.budget.tasks, least: 0)
    checkLimit("budget.soft_tasks", update.budget.softTasks, least: 0)
    checkPairs("set_labels", update.setLabels, keysAreIDs: true)
  }

  /// Ordinals by id; the first of a repeated id.
  mutating func checkIDs(_ plan: Plan) -> [String: Int] {
    var ordinals: [String: Int] = [:]
    ordinals.reserveCapacity(plan.tasks.count)
    for (index, task) in plan.tasks.enumerated() {
      if let first = ordinals[task.id] {
        refuse(
          "tasks[\(index)].id", .duplicateID, "\"\(task.id)\" is also the id of tasks[\(first)]")
      } else {
        ordinals[task.id] = index
      }
    }
    return ordinals
  }

  mutating func checkGraph(_ plan: Plan, _ ordinals: [String: Int]) -> PlanGraph? {
    let before = problems.count
    var dependencies: [[Int]] = []
    dependencies.reserveCapacity(plan.tasks.count)
    for (index, task) in plan.tasks.enumerated() {
      var found: [Int] = []
      var seen: Set<Int> = []
      for (place, id) in task.dependsOn.enumerated() {
        guard let ordinal = ordinals[id] else {
          refuseUnknown(id, "tasks[\(index)].depends_on[\(place)]", plan)
          continue
        }
        if ordinal == index {
          refuse(
            "tasks[\(index)].depends_on[\(place)]", .selfDependency,
            "task \"\(id)\" cannot wait for itself")
        } else if seen.insert(ordinal).inserted {
          found.append(ordinal)
        }
      }
      dependencies.append(found)
    }
    guard problems.count == before else { return nil }
    let graph = PlanGraph(dependencies: dependencies)
    let cycle = graph.cycle()
    guard !cycle.isEmpty else { return graph }
    let named = cycle.prefix(limits.maxNamedItems).map { plan.tasks[$0].id }
    let more = cycle.count > named.count ? " … (\(cycle.count) tasks)" : " -> \(named[0])"
    refuse(
      "tasks[\(cycle[0])].depends_on", .cycle,
      "tasks wait for each other: \(named.joined(separator: " -> "))\(more)")
    return nil
  }

  /// Suggests from the first ids that start alike: looking at all of them for each of 200,000
  /// edges would take minutes.
  private mutating func refuseUnknown(_ id: String, _ field: String, _ plan: Plan) {
    guard problems.count < Self.maxProblems else { return }
    let alike = plan.tasks.lazy.map(\.id).filter { $0.utf8.first == id.utf8.first }
    var candidates = Array(alike.prefix(limits.maxNamedItems))
    if candidates.isEmpty { candidates = plan.tasks.prefix(limits.maxNamedItems).map(\.id) }
    let hint = DocumentReader.suggestion(for: id, among: candidates)
    refuse(field, .unknownDependency, "there is no task \"\(id)\"; \(hint)")
  }

  mutating func checkPayloads(_ plan: Plan) -> [PayloadTemplate] {
    var templates: [PayloadTemplate] = []
    templates.reserveCapacity(plan.tasks.count)
    for (index, task) in plan.tasks.enumerated() {
      do throws(PlanProblem.Wrapped) {
        let field = "tasks[\(index)].payload"
        // What lies below "plan" is about the plan within.
        templates.append(
          task.isSubPlan
            ? try PayloadTemplate(
              compiling: SubPlan.inputs(of: task.payload), field: "\(field).inputs")
            : try PayloadTemplate(compiling: task.payload, field: field))
      } catch {
        refuse(error.problem.field, error.problem.reason, error.problem.message)
      }
    }
    return templates
  }

  mutating func checkReferences(
    _ plan: Plan, _ ordinals: [String: Int], _ graph: PlanGraph, _ templates: [PayloadTemplate],
    _ isReferenced: inout [Bool]
  ) {
    guard templates.count == plan.tasks.count else { return }
    var pairs: [(task: Int, other: Int)] = []
    let inputs = inputNames(plan)
    for (index, template) in templates.enumerated() {
      for reference in template.references {
        let id: String
        switch reference.source {
        case .task(let name): id = name
        case .inputs:
          checkInput(reference, inputs, "tasks[\(index)].payload")
          continue
        case .item, .index:
          if plan.tasks[index].map == nil {
            refuse(
              "tasks[\(index)].payload", .badReference,
              "${{ \(reference.text) }}: the task has no map")
          }
          continue
        }
        guard let other = ordinals[id] else {
          refuse(
            "tasks[\(index)].payload", .badReference,
            "${{ \(reference.text) }}: there is no task \"\(id)\"")
          continue
        }
        isReferenced[other] = true
        pairs.append((index, other))
      }
    }
    for (task, other) in graph.notUpstream(pairs) {
      refuse(
        "tasks[\(task)].payload", .notUpstream,
        "reads the output of \"\(plan.tasks[other].id)\", which is not upstream of "
          + "\"\(plan.tasks[task].id)\"; add it to depends_on")
    }
  }

  func inputNames(_ plan: Plan) -> Set<String> {
    guard case .object(let members)? = try? JSONValue(parsing: plan.inputs) else { return [] }
    return Set(members.map(\.key))
  }

  /// Only the name is looked at: what lies below it is found when the payload is made.
  mutating func checkInput(_ reference: Reference, _ names: Set<String>, _ field: String) {
    let name: String
    switch reference.path.first {
    case nil: return
    case .key(let key)?:
      guard !names.contains(key) else { return }
      name = key
    case .index(let index)?: name = "[\(index)]"
    }
    let known = names.sorted().prefix(limits.maxNamedItems).joined(separator: ", ")
    refuse(
      field, .badReference,
      "${{ \(reference.text) }}: there is no input \"\(name)\"; "
        + (known.isEmpty ? "the plan has no inputs" : "there are: \(known)"))
  }
}

extension [String: String] {
  fileprivate var byteCount: Int { reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } }
}
