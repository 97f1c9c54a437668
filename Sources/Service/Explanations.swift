internal import Engine
internal import Messages
internal import Orchestrator
internal import Plan
internal import PlanMapping

/// What tasks wait for, in words (docs/contract.md lists the codes).
struct Explanations {
  let explanation: PlanExplanation

  private var tasks: [PlanTask] { explanation.creation.plan.tasks }

  /// One page; it ends at 1 MiB.
  var response: BatonV1.ExplainPlanResponse {
    var response = BatonV1.ExplainPlanResponse(
      planId: explanation.planID.description, status: explanation.plan.status.message,
      revision: explanation.plan.revision)
    response.hold = hold
    response.groups = groups
    var page = Page(holding: response)
    for task in explanation.tasks {
      let item = wait(task)
      guard page.takes(item) else {
        response.nextPageToken = "\(task.ordinal)"
        return response
      }
      response.tasks.append(item)
    }
    response.nextPageToken = explanation.next.map(String.init) ?? ""
    return response
  }

  private var groups: [BatonV1.WaitGroup] {
    explanation.groups.map { group in
      var message = BatonV1.WaitGroup(count: Int32(group.count))
      message.reason = reason(group.wait, nil)
      message.taskIds = group.first.map { tasks[$0].id }
      return message
    }
  }

  /// Why nothing at all of the plan is handed out.
  private var hold: BatonV1.PlanHold? {
    explanation.namespaceHold.map { BatonV1.PlanHold($0) }
      ?? explanation.plan.pause.map { BatonV1.PlanHold($0) }
  }

  private func wait(_ task: PlanExplanation.Task) -> BatonV1.TaskWait {
    BatonV1.TaskWait(
      taskId: tasks[task.home].id, status: task.status.message, reason: reason(task.wait, task),
      instanceIndex: task.index.map { .index($0) })
  }

  /// - Parameter task: The task that waits; nil: of a group of them.
  private func reason(_ wait: TaskWait, _ task: PlanExplanation.Task?) -> BatonV1.WaitReason {
    var reason = BatonV1.WaitReason()
    reason.untilMs = task?.until ?? 0
    switch wait {
    case .dependencies:
      reason.code = "DEPENDENCIES"
      reason.message = "waits for tasks that it depends on"
      reason.dependencyCount = Int32(task?.dependencyCount ?? 0)
      reason.dependencies = (task?.dependencies ?? []).map {
        BatonV1.OpenDependency(taskId: tasks[$0.ordinal].id, status: $0.status.message)
      }
    case .condition:
      (reason.code, reason.message) = ("CONDITION", "its condition or its list is being evaluated")
    case .instances(let limit):
      reason.code = "MAP_LIMIT"
      reason.message =
        "\(limit) instances of its mapped task run, as many as may be (map.max_parallel)"
    case .plan(let code):
      reason.code = code == .requested ? "PAUSED" : code.rawValue
      reason.message = pauseWords
    case .namespace:
      reason.code = "NAMESPACE_BUDGET_EXHAUSTED"
      reason.message = explanation.namespaceHold?.message ?? ""
      reason.untilMs = explanation.namespaceHold?.until ?? 0
    case .retry:
      (reason.code, reason.message) = (
        "RETRY_DELAY", "an attempt failed; the next one is due later"
      )
    case .input:
      (reason.code, reason.message) = ("INPUT", "waits for CompleteTask")
    case .start: describe(task?.handOut, task, &reason)
    case .handOut(let obstacle): describe(obstacle, task, &reason)
    }
    return reason
  }

  private var pauseWords: String {
    let why = explanation.plan.pause?.message ?? ""
    return why.isEmpty ? "the plan is paused" : "the plan is paused: \(why)"
  }

  private func describe(
    _ state: PlanExplanation.HandOutState?, _ task: PlanExplanation.Task?,
    _ reason: inout BatonV1.WaitReason
  ) {
    switch state {
    case nil: (reason.code, reason.message) = ("HANDED_OUT", "handed out; the run has not begun")
    case .queued?: (reason.code, reason.message) = ("HANDED_OUT", "about to be sent")
    case .calling?:
      (reason.code, reason.message) = ("HANDED_OUT", "sent; the adapter has not answered yet")
    case .taken?:
      (reason.code, reason.message) = (
        "HANDED_OUT", "the adapter has taken it; the run has not begun"
      )
    case .waitingForInstance?:
      (reason.code, reason.message) = (
        "INSTANCE_AWAY", "the instance it was handed to is not connected now; sent when it is back"
      )
    case .repeated?:
      (reason.code, reason.message) = (
        "DELIVERY_REPEATED", "the adapter did not answer; the hand-out is sent again"
      )
    }
  }

  private func describe(
    _ obstacle: HandOutObstacle, _ task: PlanExplanation.Task?, _ reason: inout BatonV1.WaitReason
  ) {
    switch obstacle {
    case .loading:
      (reason.code, reason.message) = ("LOADING", "plans are being loaded from the store")
    case .server(let limit):
      reason.code = "SERVER_LIMIT"
      reason.message = "\(limit) tasks are with adapters, as many as may be (limits.in_flight)"
    case .plan(let limit):
      reason.code = "PLAN_LIMIT"
      reason.message =
        "\(limit) tasks of the plan are with adapters, as many as may be (max_parallel, "
        + "limits.per_plan)"
    case .noAdapter(let route): describeMissing(route, task, &reason)
    case .adapter(let name, let limit):
      (reason.code, reason.adapter) = ("ADAPTER_LIMIT", name)
      reason.message = "\(limit) tasks are with \(name), as many as may be (limits.per_adapter)"
    case .busy(let name):
      (reason.code, reason.adapter) = ("ADAPTER_BUSY", name)
      reason.message = "every instance of \(name) has as many tasks as it takes"
    case .paused(let name, let until):
      (reason.code, reason.adapter, reason.untilMs) = ("ADAPTER_PAUSED", name, until)
      reason.message = "the instances of \(name) that have room refused a task or were not reached"
    case .turn:
      (reason.code, reason.message) = ("TURN", "it is the turn of other plans that wait, too")
    }
  }

  private func describeMissing(
    _ route: [String], _ task: PlanExplanation.Task?, _ reason: inout BatonV1.WaitReason
  ) {
    reason.code = "NO_ADAPTER"
    let type = task.map { " for type \"\(tasks[$0.home].type)\"" } ?? " for the type"
    let registered = explanation.adapters.sorted { $0.key < $1.key }.prefix(Self.namedMax)
      .map { "\($0.key) (\($0.value.sorted().prefix(Self.namedMax).joined(separator: ", ")))" }
    reason.message =
      "no adapter of the route (\(route.joined(separator: ", "))) is registered\(type); registered: "
      + (registered.isEmpty ? "none" : registered.joined(separator: ", "))
  }

  private static let namedMax = 8
}
