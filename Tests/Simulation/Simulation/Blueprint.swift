import Engine
import Orchestrator
import Plan

/// A plan that somebody submits, and how each attempt of each task goes.
final class Blueprint {
  let number: Int
  let plan: Plan
  let compiled: CompiledPlan
  /// Nothing but the scripts decides how it ends: its timeouts are far off.
  let isStrict: Bool
  /// Conditions by ordinal.
  let gates: [Int: Gate]
  private let seed: UInt64

  /// How an attempt goes where it runs undisturbed.
  enum Course: Equatable {
    case succeeds
    case fails(TaskError)
    /// The run says that it was cancelled, though nobody asked for it.
    case cancels
    case givesNoJSON
    /// JSON that does not fit the task's schema.
    case givesMisfit
    /// The adapter does not take it.
    case isRejected(TaskError)
    /// It never ends by itself.
    case hangs
  }

  init(
    number: Int, plan: Plan, gates: [Int: Gate] = [:], isStrict: Bool, seed: UInt64,
    _ options: OrchestratorOptions
  ) {
    self.number = number
    self.plan = plan
    self.isStrict = isStrict
    self.gates = gates
    self.seed = seed
    do throws(PlanProblems) {
      compiled = try CompiledPlan(plan, defaults: options.defaults, limits: options.limits)
    } catch {
      fatalError("the simulation made a plan that is not valid: \(error)")
    }
  }

  /// The same for the same attempt, whoever runs it and however often.
  func course(_ ordinal: Int, _ attempt: Int32) -> Course {
    var dice = Dice(seed: seed, ordinal, Int(attempt))
    let code = "C\(dice.roll(3))"
    switch dice.roll(isStrict ? 19 : 20) {
    case 0, 1: return .fails(TaskError(.transient, code: code, message: "no route"))
    case 2:
      return .fails(
        TaskError(
          .rateLimited, code: code, message: "slow down",
          retryAfterMilliseconds: dice.between(0, 900)))
    case 3: return .fails(TaskError(.permanent, code: code, message: "no"))
    case 4:
      return plan.tasks[ordinal].outputSchema != nil
        ? .givesMisfit
        : .fails(TaskError(.invalidOutput, code: code, message: "no field \(dice.roll(9))"))
    case 5: return .givesNoJSON
    case 6: return dice.roll(2) == 0 ? .cancels : .succeeds
    case 7:
      return dice.roll(2) == 0
        ? .isRejected(TaskError(.unsupported, code: code, message: "no such type")) : .succeeds
    case 19: return .hangs
    default: return .succeeds
    }
  }

  /// What whoever is asked says to an approval; the same, however often.
  func decision(_ ordinal: Int) -> TaskDecision {
    var dice = Dice(seed: seed, ordinal, 0, 3)
    switch dice.roll(5) {
    case 0: return .reject("no")
    default: return .value(GivenResult.output(text: "t\(ordinal).ok", run: 0))
    }
  }

  func isApproval(_ ordinal: Int) -> Bool { plan.tasks[ordinal].isApproval }

  /// Between two signs of life of a run; nil: it gives none but that it began.
  func signMilliseconds(_ ordinal: Int, _ attempt: Int32) -> Int64? {
    guard compiled.timeouts[ordinal].heartbeatMilliseconds > 0 else { return nil }
    var dice = Dice(seed: seed, ordinal, Int(attempt), 5)
    return dice.between(50, 1_500)
  }

  /// How long the attempt runs.
  func milliseconds(_ ordinal: Int, _ attempt: Int32) -> Int64 {
    var dice = Dice(seed: seed, ordinal, Int(attempt), 7)
    return dice.roll(5) == 0 ? dice.between(500, 3_000) : dice.between(1, 400)
  }

  /// A plan by chance.
  static func random(_ dice: inout Dice, number: Int, _ options: OrchestratorOptions) -> Blueprint {
    let isStrict = dice.roll(2) == 0
    var plan = Plan()
    plan.name = "p\(number)"
    plan.priority = Int32(dice.roll(3))
    if dice.roll(3) == 0 { plan.maxParallel = Int32(1 + dice.roll(3)) }
    if !isStrict, dice.roll(5) == 0 {
      plan.deadline = .after(milliseconds: dice.between(1_000, 20_000))
    }
    plan.inputs = Gate.inputs
    var gates: [Int: Gate] = [:]
    let count = 1 + dice.roll(dice.roll(4) == 0 ? 12 : 6)
    for index in 0..<count {
      var task = task(index, isStrict: isStrict, &dice)
      if dice.roll(6) == 0 {
        let gate = Gate.random(task.dependsOn.compactMap { Int($0.dropFirst()) }, &dice)
        gates[index] = gate
        task.when = gate.text
      }
      plan.tasks.append(task)
    }
    return Blueprint(
      number: number, plan: plan, gates: gates, isStrict: isStrict, seed: dice.next(), options)
  }

  private static let schema = Array(
    #"{"type":"object","properties":{"run":{"type":"integer"}},"required":["text","run"]}"#.utf8)

  private static func task(_ index: Int, isStrict: Bool, _ dice: inout Dice) -> PlanTask {
    var task = PlanTask()
    task.id = "t\(index)"
    task.type = dice.pick(["t", "t", "t", "u", isStrict || dice.roll(4) > 0 ? "t" : "none"])
    if dice.roll(6) == 0 { task.adapter = "two" }
    task.dependsOn = (0..<index).filter { _ in dice.roll(index < 4 ? 3 : 5) == 0 }.map { "t\($0)" }
    let isApproval = dice.roll(12) == 0
    if isApproval {
      task.type = PlanTask.approvalType
    } else if dice.roll(3) == 0 {
      task.outputSchema = schema
    }
    let field = dice.roll(25) == 0 ? "absent" : "text"
    let from = task.dependsOn.map { "\"${{ tasks.\($0).output.\(field) }}\"" }
    let prompt = isApproval ? "\"prompt\":\"go on?\"," : ""
    task.payload = Array("{\(prompt)\"n\":\(index),\"from\":[\(from.joined(separator: ","))]}".utf8)
    task.retry.maxAttempts = Int32(1 + dice.roll(4))
    task.retry.initialDelayMilliseconds = dice.between(0, 800)
    task.retry.maxDelayMilliseconds = 2_000
    task.priority = Int32(dice.roll(3))
    task.onFailure = dice.roll(3) == 0 ? .continue : .fail
    if isStrict {
      task.maxDeliveries = 1_000
      task.timeouts.startToCloseMilliseconds = 36_000_000
      task.timeouts.scheduleToStartMilliseconds = 36_000_000
    } else {
      task.maxDeliveries = Int32(1 + dice.roll(4))
      task.timeouts.startToCloseMilliseconds = dice.between(300, 6_000)
      task.timeouts.scheduleToStartMilliseconds = dice.between(500, 12_000)
      if dice.roll(4) == 0 { task.timeouts.heartbeatMilliseconds = dice.between(100, 2_000) }
    }
    return task
  }

  /// The plan of enumerated mixes: `b` after `a`, whose first attempt fails.
  static func pair(isStrict: Bool, seed: UInt64, _ options: OrchestratorOptions) -> Blueprint {
    var plan = Plan()
    for index in 0..<2 {
      var task = PlanTask()
      task.id = "t\(index)"
      task.type = "t"
      task.payload = Array("{\"n\":\(index),\"from\":[]}".utf8)
      if index == 1 {
        task.dependsOn = ["t0"]
        task.payload = Array(#"{"n":1,"from":["${{ tasks.t0.output.text }}"]}"#.utf8)
      }
      task.retry.initialDelayMilliseconds = 300
      task.retry.jitter = 0
      task.maxDeliveries = 1_000
      task.timeouts.startToCloseMilliseconds = isStrict ? 36_000_000 : 2_500
      plan.tasks.append(task)
    }
    return Blueprint(number: 1, plan: plan, isStrict: isStrict, seed: seed, options)
  }
}
