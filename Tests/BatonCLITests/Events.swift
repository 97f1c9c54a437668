import Messages

/// Events and states as a server sends them.
enum Sample {
  static func event(
    _ kind: String, _ task: String = "", at time: Int64 = 0, attempt: Int32 = 0,
    adapter: String = "", code: String = "", message: String = "", delay: Int64 = 0
  ) -> BatonV1.PlanEvent {
    var event = BatonV1.PlanEvent()
    event.kind = kind
    event.taskId = task
    event.timeMs = time
    event.attempt = attempt
    event.adapter = adapter
    event.instance = adapter.isEmpty ? "" : "\(adapter)-1"
    event.code = code
    event.message = message
    event.delayMs = delay
    return event
  }

  static func chunk(_ task: String, _ attempt: Int32, _ text: String) -> BatonV1.TaskProgress {
    var progress = BatonV1.TaskProgress()
    progress.taskId = task
    progress.attempt = attempt
    progress.body = .chunk(BatonV1.OutputChunk(offset: 0, text: text))
    return progress
  }

  /// A plan of tasks, each with the ids it waits for.
  static func plan(_ tasks: [(String, [String])]) -> BatonV1.PlanState {
    var state = BatonV1.PlanState()
    state.planId = "0199c0de-0000-7000-8000-000000000001"
    state.name = "briefing"
    state.tasks = tasks.map { id, dependsOn in
      var task = BatonV1.TaskState()
      task.id = id
      task.type = "prompt"
      task.dependsOn = dependsOn
      return task
    }
    return state
  }
}
