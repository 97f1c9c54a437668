import JSON
import Plan

extension Plan {
  /// A plan of tasks of type `t`, from ids with what they depend on:
  /// `["a": [], "b": ["a"]]`.
  init(_ tasks: KeyValuePairs<String, [String]>) {
    self.init()
    self.tasks = tasks.map { PlanTask($0.key, after: $0.value) }
  }
}

extension PlanTask {
  init(_ id: String, after dependencies: [String] = [], payload: String = "{}") {
    self.init()
    self.id = id
    type = "t"
    dependsOn = dependencies
    self.payload = Array(payload.utf8)
  }
}

/// All that is wrong with a plan, a line each: `field REASON message`. Empty where it is right.
func problems(_ plan: Plan, limits: PlanLimits = PlanLimits()) -> [PlanProblem] {
  do throws(PlanProblems) {
    _ = try CompiledPlan(plan, limits: limits)
    return []
  } catch {
    return error.problems
  }
}

/// Fields and reasons of all that is wrong with a plan.
func refusals(_ plan: Plan, limits: PlanLimits = PlanLimits()) -> [String] {
  problems(plan, limits: limits).map { "\($0.field) \($0.reason.name)" }
}

/// What is wrong with a document.
func problems(document: String) throws -> [PlanProblem] {
  let value = try JSONValue(parsing: document)
  do throws(PlanProblems) {
    _ = try Plan(document: value)
    return []
  } catch {
    return error.problems
  }
}
