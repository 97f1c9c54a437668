internal import JSON

/// What a task of type `plan` runs: a plan within the plan.
///
/// Its payload is `{"plan": a plan document, "inputs": {…}, "outputs": [task ids]}`. References of the
/// document are about the plan within; those of `inputs` about the plan around it.
public struct SubPlan: Sendable, Equatable {
  /// As the document says it.
  let document: Plan
  /// Names that the task's `inputs` give.
  let inputNames: [String]
  /// Ids of the tasks whose outputs make the output of the task, in order.
  public let outputs: [String]

  /// Reads the payload of a task. Throws everything that is wrong, with fields of the payload.
  init(payload: [UInt8]) throws(PlanProblems) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: payload) } catch {
      throw PlanProblems([PlanProblem("", .badJSON, error.description)])
    }
    if value["name"] != nil && value["plan"] == nil {
      throw PlanProblems([
        PlanProblem("name", .badField, "there are no stored plans yet; write the plan as \"plan\"")
      ])
    }
    var reader = DocumentReader()
    let fields = reader.object(value, at: "", known: ["plan", "inputs", "outputs"])
    let names = fields.map { reader.strings($0, "outputs") } ?? []
    guard reader.problems.isEmpty else { throw PlanProblems(reader.problems) }
    guard let written = value["plan"] else {
      throw PlanProblems([PlanProblem("plan", .badField, "is missing: the plan to run")])
    }
    do throws(PlanProblems) { document = try Plan(document: written) } catch {
      throw error.within("plan")
    }
    if case .object(let members)? = value["inputs"] {
      inputNames = members.map(\.key)
    } else {
      inputNames = []
    }
    outputs = names.isEmpty ? document.tasks.map(\.id) : names
    let ids = Set(document.tasks.map(\.id))
    if let unknown = outputs.first(where: { !ids.contains($0) }) {
      throw PlanProblems([
        PlanProblem("outputs", .badReference, "the plan has no task \"\(unknown)\"")
      ])
    }
  }

  /// The part of a task's payload that holds references of the plan around.
  static func inputs(of payload: [UInt8]) -> [UInt8] {
    JSONReader.find([.key("inputs")], in: payload).map { Array($0) } ?? Array("{}".utf8)
  }

  /// The plan with the inputs it will have, their values left open.
  var outline: Plan {
    var plan = document
    plan.inputs = merged(with: inputNames.map { JSONMember($0, .null) })
    return plan
  }

  /// The plan as it begins.
  ///
  /// - Parameters:
  ///   - inputs: The task's `inputs`, their references resolved.
  ///   - parent: Whose owner, adapter and priority it takes where its document has none.
  ///   - taskID: Its name where its document has none.
  public func plan(inputs: [UInt8], in parent: Plan, taskID: String) -> Plan {
    var plan = document
    if case .object(let members)? = try? JSONValue(parsing: inputs) {
      plan.inputs = merged(with: members)
    }
    if plan.name.isEmpty { plan.name = taskID }
    if plan.owner.isEmpty { plan.owner = parent.owner }
    if plan.priority == 0 { plan.priority = parent.priority }
    plan.adapter = plan.adapter ?? parent.adapter
    return plan
  }

  /// The document's inputs, `members` in the place of those of their names.
  private func merged(with members: [JSONMember]) -> [UInt8] {
    guard case .object(let own)? = try? JSONValue(parsing: document.inputs) else {
      return JSONValue.object(members).bytes
    }
    let given = Set(members.map(\.key))
    return JSONValue.object(own.filter { !given.contains($0.key) } + members).bytes
  }
}

extension PlanProblems {
  /// The same problems, their fields below `path`.
  func within(_ path: String) -> PlanProblems {
    PlanProblems(
      problems.map {
        PlanProblem($0.field.isEmpty ? path : "\(path).\($0.field)", $0.reason, $0.message)
      })
  }
}

extension PlanValidator {
  /// Plans within the plan by the ordinals of their tasks, each checked as a plan that is submitted.
  ///
  /// - Parameter depth: How many plans are around this one.
  mutating func checkSubPlans(
    _ plan: Plan, _ defaults: PlanDefaults, depth: Int
  ) -> [Int: SubPlan] {
    var subPlans: [Int: SubPlan] = [:]
    for (index, task) in plan.tasks.enumerated() where task.isSubPlan {
      let field = "tasks[\(index)].payload"
      guard depth < limits.maxSubPlanDepth else {
        refuse(
          field, .tooDeep, "plans lie within each other \(limits.maxSubPlanDepth) deep at most")
        continue
      }
      do throws(PlanProblems) {
        let subPlan = try SubPlan(payload: task.payload)
        do throws(PlanProblems) {
          _ = try CompiledPlan(
            subPlan.outline, defaults: defaults, limits: limits, depth: depth + 1)
        } catch { throw error.within("plan") }
        subPlans[index] = subPlan
      } catch {
        for problem in error.within(field).problems {
          refuse(problem.field, problem.reason, problem.message)
        }
      }
    }
    return subPlans
  }
}
