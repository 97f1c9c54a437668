import JSON
import Messages
import Testing

@testable import BatonCLI

@Suite struct ResultTextTests {
  private func task(_ id: String, _ output: String, after: [String] = []) -> BatonV1.TaskState {
    var task = BatonV1.TaskState()
    task.id = id
    task.status = .succeeded
    task.adapter = "crewai"
    task.attempt = 2
    task.startedAtMs = 1_000
    task.finishedAtMs = 4_200
    task.dependsOn = after
    task.outputJson = Array(output.utf8)
    task.usage = BatonV1.Usage(inputTokens: 10, outputTokens: 41, model: "", calls: 1)
    return task
  }

  @Test func outputsReadAsText() {
    var state = BatonV1.PlanState()
    var failed = BatonV1.TaskState()
    failed.id = "broken"
    failed.status = .failed
    failed.error = BatonV1.TaskError(
      errorClass: .permanent, code: "BAD_MODEL", message: "there is no such model",
      diagnostics: "line one\n\u{1B}[31mline two", retryAfterMs: 0)
    state.tasks = [
      task("facts", #"{"text":"Tea is a plant.\nIt is \u001b[1mgreen.","json":null}"#),
      task("numbers", #"{"a":[1,2],"b":{}}"#), failed,
    ]
    #expect(
      ResultText.lines(state, width: 60, style: .plain) == [
        "", "facts (crewai, 3.2s, 2 tries, 41 tokens)", "  Tea is a plant.", "  It is green.",
        "", "numbers (crewai, 3.2s, 2 tries, 41 tokens)",
        "  {", "  \"a\": [", "  1,", "  2", "  ],", "  \"b\": {}", "  }",
        "", "broken", "  failed", "  BAD_MODEL: there is no such model", "  line one",
        "  line two",
      ])
  }

  @Test func ofALargePlanWhatNothingBuildsOn() {
    var state = BatonV1.PlanState()
    state.planId = "P"
    state.tasks = (1...30).map {
      task("t\($0)", #"{"text":"x"}"#, after: $0 > 1 ? ["t\($0 - 1)"] : [])
    }
    let lines = ResultText.lines(state, width: 60, style: .plain)
    #expect(lines.count { $0.hasPrefix("t") } == 1)
    #expect(lines.last == "The last tasks of 30; `baton get P --results` shows all.")
  }

  @Test func jsonOfAPlanHasOutputsAsJSON() throws {
    var state = Sample.plan([])
    state.status = .completed
    state.createdAtMs = 5
    state.tasks = [task("facts", #"{"text":"x"}"#)]
    state.counts = [BatonV1.TaskCount(status: .succeeded, count: 1)]
    #expect(
      state.json.text == """
        {"plan_id":"0199c0de-0000-7000-8000-000000000001","name":"briefing","status":"COMPLETED",\
        "created_at_ms":5,"counts":{"SUCCEEDED":1},"tasks":[{"id":"facts","status":"SUCCEEDED",\
        "attempt":2,"adapter":"crewai","started_at_ms":1000,"finished_at_ms":4200,\
        "usage":{"input_tokens":10,"output_tokens":41,"calls":1},"output":{"text":"x"}}]}
        """)
  }

  @Test func jsonOfEventsNamesTheirFields() {
    let event = Sample.event(
      "task_failed", "a", at: 7, attempt: 1, adapter: "mock", code: "X", message: "m")
    #expect(
      event.json.text == """
        {"time_ms":7,"kind":"task_failed","task_id":"a","attempt":1,"adapter":"mock",\
        "instance":"mock-1","code":"X","message":"m"}
        """)
    #expect(
      Sample.chunk("a", 1, "hi").json.text == """
        {"kind":"task_progress","task_id":"a","attempt":1,"chunk":{"offset":0,"text":"hi"}}
        """)
  }
}
