internal import JSON

extension PlanValidator {
  /// Conditions by the ordinals of their tasks; marks what they read.
  mutating func checkConditions(
    _ plan: Plan, _ ordinals: [String: Int], _ graph: PlanGraph, _ isReferenced: inout [Bool]
  ) -> [Int: Condition] {
    var conditions: [Int: Condition] = [:]
    var pairs: [(task: Int, other: Int)] = []
    // Most plans have no condition.
    let inputs = plan.tasks.contains { $0.when != nil } ? inputNames(plan) : []
    for (index, task) in plan.tasks.enumerated() {
      guard let text = task.when else { continue }
      do throws(ConditionMistake) {
        let condition = try Condition(parsing: text)
        conditions[index] = condition
        checkInputs(condition, inputs, "tasks[\(index)].when")
        for name in condition.names {
          guard let id = name.taskID else { continue }
          guard let other = ordinals[id] else {
            refuse("tasks[\(index)].when", .badCondition, "there is no task \"\(id)\"")
            continue
          }
          pairs.append((index, other))
          if case .value = name { isReferenced[other] = true }
        }
      } catch {
        refuse("tasks[\(index)].when", .badCondition, error.sentence)
      }
    }
    for (task, other) in graph.notUpstream(pairs) {
      refuse(
        "tasks[\(task)].when", .notUpstream,
        "reads \"\(plan.tasks[other].id)\", which is not upstream of \"\(plan.tasks[task].id)\"; "
          + "add it to depends_on")
    }
    return conditions
  }

  /// An input that `has()` asks for need not be there.
  private mutating func checkInputs(
    _ condition: Condition, _ inputs: Set<String>, _ field: String
  ) {
    let optional = Set(condition.optional.compactMap { $0.source == .inputs ? $0.path.first : nil })
    for case .value(let reference) in condition.names where reference.source == .inputs {
      if let first = reference.path.first, optional.contains(first) { continue }
      checkInput(reference, inputs, field)
    }
  }

  /// Output schemas by the ordinals of their tasks.
  mutating func checkSchemas(_ plan: Plan) -> [Int: OutputSchema] {
    var schemas: [Int: OutputSchema] = [:]
    for (index, task) in plan.tasks.enumerated() {
      guard let json = task.outputSchema else { continue }
      if task.isApproval {
        refuse(
          "tasks[\(index)].output_schema", .badSchema,
          "what a person answers to an approval is not checked; leave it out")
        continue
      }
      do throws(SchemaMistake) {
        schemas[index] = try OutputSchema(json, taskType: task.type)
      } catch {
        let field = "tasks[\(index)].output_schema"
        refuse(error.place.isEmpty ? field : "\(field).\(error.place)", .badSchema, error.message)
      }
    }
    return schemas
  }

  /// Maps by the ordinals of their tasks; marks what they read.
  mutating func checkMaps(
    _ plan: Plan, _ ordinals: [String: Int], _ graph: PlanGraph, _ isReferenced: inout [Bool]
  ) -> [Int: CompiledMap] {
    var maps: [Int: CompiledMap] = [:]
    var pairs: [(task: Int, other: Int)] = []
    for (index, task) in plan.tasks.enumerated() {
      guard let map = task.map else { continue }
      let field = "tasks[\(index)].map"
      if task.isApproval {
        refuse(field, .badField, "an approval asks once; let a task before it make the list")
        continue
      }
      if let most = map.maxParallel, most < 1 {
        refuse("\(field).max_parallel", .outOfRange, "\(most) is below 1")
      }
      guard let reference = Self.singleReference(map.over) else {
        refuse(
          "\(field).over", .badReference,
          "write one reference to a list: ${{ inputs.NAME }} or ${{ tasks.ID.output }}")
        continue
      }
      switch reference.source {
      case .inputs: checkInput(reference, inputNames(plan), "\(field).over")
      case .item, .index:
        refuse("\(field).over", .badReference, "the list is looked up before there are items")
      case .task(let id):
        guard let other = ordinals[id] else {
          refuse("\(field).over", .badReference, "there is no task \"\(id)\"")
          continue
        }
        isReferenced[other] = true
        pairs.append((index, other))
      }
      maps[index] = CompiledMap(over: reference, maxParallel: map.maxParallel ?? .max)
    }
    for (task, other) in graph.notUpstream(pairs) {
      refuse(
        "tasks[\(task)].map.over", .notUpstream,
        "reads the output of \"\(plan.tasks[other].id)\", which is not upstream of "
          + "\"\(plan.tasks[task].id)\"; add it to depends_on")
    }
    return maps
  }

  /// The reference of a text that is one and nothing else.
  private static func singleReference(_ text: String) -> Reference? {
    let payload = JSONValue.object([JSONMember("over", .string(text))]).bytes
    guard let template = try? PayloadTemplate(compiling: payload, field: ""),
      case .value(let reference)? = template.segments.first(where: { segment in
        if case .value = segment { true } else { false }
      })
    else { return nil }
    return reference
  }
}
