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
}
