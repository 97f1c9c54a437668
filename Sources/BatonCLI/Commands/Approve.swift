internal import ArgumentParser
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct Approve: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Settles an approval, or answers a run that asks for input.",
    discussion: """
      Without --value the answer is {"approved":true}. With --reject the task fails. The first \
      decision stands: the same again is taken, another one ends with 70. A run may ask more than \
      once: --question says which question is meant.
      """)

  @Argument(help: "The plan's id.")
  var planID: String

  @Argument(help: "The task's id.")
  var taskID: String

  @Option(help: ArgumentHelp("The approval's output, or the answer.", valueName: "json"))
  var value: String?

  @Option(help: ArgumentHelp("Reject it, and why.", valueName: "message"))
  var reject: String?

  @Option(help: "Only if this attempt asks.")
  var attempt: Int32 = 0

  @Option(help: "Which instance of a mapped task.")
  var index: Int32 = 0

  @Option(help: "Only if this question of the attempt is open, from 1.")
  var question: Int32 = 0

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func validate() throws {
    if value != nil && reject != nil {
      throw ValidationError("--value and --reject exclude each other")
    }
  }

  func execute() async throws {
    var request = BatonV1.CompleteTaskRequest(planId: planID, taskId: taskID, attempt: attempt)
    request.question = question
    request.index = index
    request.decision = reject.map { .rejection($0) } ?? .valueJson(Array((value ?? "").utf8))
    let connection = try Connection(server)
    defer { connection.close() }
    let answer = try await connection.call(about: planID) { [request] _ in
      try await connection.orchestrator.completeTask(request, options: Connection.callOptions)
    }
    let terminal = Terminal.standardOutput
    let task = answer.task ?? BatonV1.TaskState()
    if format == .json {
      var object = JSONObject()
      object.add("already_recorded", .bool(answer.alreadyRecorded))
      object.add("task", task.json)
      return terminal.write(lines: [object.value.text])
    }
    let status = TaskStatus.allCases.first { $0.message == task.status }
    let word = terminal.style.paint(status?.word ?? "unknown", status?.color)
    let note = answer.alreadyRecorded ? " (it was settled before)" : ""
    terminal.write(lines: ["\(TerminalText.clean(taskID)) is \(word)\(note)"])
  }
}
