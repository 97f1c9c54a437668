import Foundation
import Messages
import Plan
import Testing

@testable import BatonCLI

@Suite struct PlanViewTests {
  private var view: PlanView {
    PlanView(
      Sample.plan([
        ("facts", []), ("uses", []), ("archive", []), ("write", ["facts", "uses", "archive"]),
        ("print", ["write"]),
      ]))
  }

  private func lines(
    _ view: PlanView, now: Int64, width: Int = 100, height: Int = 20
  ) -> [String] {
    view.render(width: width, height: height, now: now, style: .plain)
  }

  @Test func aPlanThatHasNotStarted() {
    #expect(
      lines(view, now: 0) == [
        "briefing  CREATED  0/5 tasks  ░░░░░░░░░░░░░░░░░░░░  0199c0de-0000-7000-8000-000000000001",
        "   TASK     STATE    ADAPTER  TRY  TIME",
        "·  facts    ready                        waits for an adapter",
        "·  uses     ready                        waits for an adapter",
        "·  archive  ready                        waits for an adapter",
        "·  write    pending                      after facts, uses, archive",
        "·  print    pending                      after write",
      ])
  }

  @Test func aPlanInTheMiddle() {
    var view = view
    for event in [
      Sample.event("plan_created", at: 1_000), Sample.event("plan_started", at: 1_000),
      Sample.event("task_dispatched", "facts", at: 1_000, attempt: 1, adapter: "crewai"),
      Sample.event("task_dispatched", "uses", at: 1_100, attempt: 1, adapter: "crewai"),
      Sample.event("task_dispatched", "archive", at: 1_100, attempt: 1, adapter: "langchain"),
      Sample.event("task_running", "facts", at: 1_200, attempt: 1),
      Sample.event("task_running", "uses", at: 1_200, attempt: 1),
      Sample.event(
        "task_retry_scheduled", "archive", at: 1_500, attempt: 1, code: "CONNECTION",
        message: "no answer", delay: 2_000),
      Sample.event("task_succeeded", "uses", at: 3_300, attempt: 1),
    ] { view.apply(event) }
    view.apply(Sample.chunk("facts", 1, "Tea is "))
    view.apply(Sample.chunk("facts", 1, "a \u{1B}[2Jplant"))
    #expect(
      lines(view, now: 3_000) == [
        "briefing  RUNNING  2.0s  1/5 tasks  ████░░░░░░░░░░░░░░░░  "
          + "0199c0de-0000-7000-8000-000000000001",
        "   TASK     STATE          ADAPTER    TRY  TIME",
        "⠦  facts    running        crewai       1  2.0s  Tea is a plant",
        "✓  uses     succeeded      crewai       1  2.2s",
        "↻  archive  retry in 0.5s  langchain    1  1.9s  CONNECTION: no answer",
        "·  write    pending                              after facts, archive",
        "·  print    pending                              after write",
      ])
  }

  @Test func aMappedTaskShowsHowManyOfItsInstancesHaveEnded() {
    var view = view
    var expanded = Sample.event("task_expanded", "facts", at: 1_000)
    expanded.itemCount = 3
    view.apply(expanded)
    for (index, kind) in ["task_succeeded", "task_failed"].enumerated() {
      var event = Sample.event("task_dispatched", "facts", at: 1_000, attempt: 1, adapter: "mock")
      event.instanceIndex = .index(Int32(index))
      view.apply(event)
      event.kind = kind
      view.apply(event)
    }
    #expect(view.tasks[0].status == .running)
    #expect(lines(view, now: 3_000)[2] == "⠦  facts    running                2.0s  2/3")
    view.apply(expanded)
    #expect(lines(view, now: 3_000)[2].hasSuffix("1/3"), "run again, what succeeded is kept")
  }

  @Test func aTaskThatRunsAPlanShowsWhichOne() {
    var view = view
    var event = Sample.event("task_dispatched", "facts", at: 1_000, attempt: 1)
    event.subPlanId = "0199c0de-0000-7000-8000-000000000002"
    view.apply(event)
    event.kind = "task_running"
    view.apply(event)
    #expect(lines(view, now: 3_000)[2].hasSuffix("2.0s  plan 0199c0de-0000-7000-8000-000000000002"))
    var text = EventText(style: .plain, zone: .gmt)
    event.kind = "task_dispatched"
    #expect(text.line(event).hasSuffix("try 1   plan 0199c0de-0000-7000-8000-000000000002"))
  }

  @Test func aTaskIsReadyWhenAllItWaitedForHasEnded() {
    var view = view
    for task in ["facts", "uses", "archive"] {
      #expect(view.tasks[3].status == .pending)
      view.apply(Sample.event("task_dispatched", task, at: 1, attempt: 1, adapter: "mock"))
      view.apply(Sample.event("task_succeeded", task, at: 2, attempt: 1))
    }
    #expect(view.tasks[3].status == .ready)
    #expect(view.tasks[4].status == .pending)
    #expect(view.finishedCount == 3)
  }

  @Test func aNewAttemptStartsWithNothingSaid() {
    var view = view
    view.apply(Sample.event("task_dispatched", "facts", at: 1, attempt: 1, adapter: "mock"))
    view.apply(Sample.chunk("facts", 1, "first"))
    view.apply(Sample.event("task_retry_scheduled", "facts", at: 2, attempt: 1, delay: 1))
    view.apply(Sample.event("task_dispatched", "facts", at: 3, attempt: 2, adapter: "mock"))
    #expect(view.tasks[0].words == "")
    // What the first attempt still says is late.
    view.apply(Sample.chunk("facts", 1, "late"))
    #expect(view.tasks[0].words == "")
    view.apply(Sample.chunk("facts", 2, "second"))
    #expect(view.tasks[0].words == "second")
    #expect(view.tasks[0].startedAt == 1)
  }

  @Test func whatATaskSaysIsShownBeforeWhatItLogs() {
    var view = view
    view.apply(Sample.event("task_dispatched", "facts", at: 1, attempt: 1, adapter: "mock"))
    var progress = Sample.chunk("facts", 1, "")
    progress.body = .log(BatonV1.LogLine(severity: "info", text: "no token count"))
    view.apply(progress)
    #expect(lines(view, now: 1)[2].hasSuffix("0.0s"))
    progress.body = .log(BatonV1.LogLine(severity: "warning", text: "slow\u{1B}[2J today"))
    view.apply(progress)
    #expect(lines(view, now: 1)[2].hasSuffix("0.0s  slow today"))
    view.apply(Sample.chunk("facts", 1, "Tea"))
    view.apply(progress)
    #expect(lines(view, now: 1)[2].hasSuffix("0.0s  Tea"))
    progress.body = .message(BatonV1.AgentMessage(agent: "Teacher", role: "", content: "Hi"))
    view.apply(progress)
    #expect(lines(view, now: 1)[2].hasSuffix("0.0s  Teacher: Hi"))
  }

  @Test func howAPlanEnds() {
    var view = view
    view.apply(Sample.event("plan_started", at: 1_000))
    view.apply(
      Sample.event("task_failed", "facts", at: 2_000, attempt: 3, code: "BOOM", message: "it broke")
    )
    view.apply(Sample.event("task_skipped", "write", at: 2_000, message: "facts failed"))
    view.apply(
      Sample.event("plan_failed", at: 2_500, code: "TASK_FAILED", message: "facts failed"))
    #expect(view.isFinal)
    #expect(view.reason == "TASK_FAILED: facts failed")
    let lines = lines(view, now: 9_000)
    #expect(lines[0].hasPrefix("briefing  FAILED  1.5s  2/5 tasks"))
    #expect(lines[2] == "✗  facts    failed                       BOOM: it broke")
    #expect(lines[5] == "-  write    skipped                      facts failed")
  }

  @Test func unknownKindsAndTasksChangeNothing() {
    var view = view
    let before = lines(view, now: 0)
    view.apply(Sample.event("task_teleported", "facts", at: 1))
    view.apply(Sample.event("task_failed", "nobody", at: 1))
    view.apply(Sample.chunk("nobody", 1, "x"))
    #expect(lines(view, now: 0) == before)
  }

  @Test func whatMattersLeastGivesWayToTheScreen() {
    let ids = (1...50).map { "task-\($0)" }
    var view = PlanView(Sample.plan(ids.map { ($0, []) }))
    for id in ids.prefix(40) {
      view.apply(Sample.event("task_dispatched", id, at: 1, attempt: 1, adapter: "mock"))
      if id != "task-7" { view.apply(Sample.event("task_succeeded", id, at: 2, attempt: 1)) }
    }
    let lines = lines(view, now: 10, height: 10)
    #expect(lines.count == 10)
    #expect(lines[2].contains("task-7 "))
    #expect(lines[3].contains("task-41"))
    #expect(lines.last == "… and 43 more: 4 ready, 39 succeeded")
  }

  @Test(arguments: [20, 40, 60, 79, 200]) func everyLineFits(width: Int) {
    var view = view
    view.notice = "Connection lost (no route to host); trying again …"
    view.apply(Sample.event("task_dispatched", "facts", at: 1, attempt: 1, adapter: "crewai"))
    view.apply(Sample.chunk("facts", 1, String(repeating: "many words ", count: 100)))
    for line in lines(view, now: 10, width: width) {
      #expect(TerminalText.width(line) <= width)
    }
  }

  @Test func withoutUnicodeThereIsNone() {
    var view = view
    view.apply(Sample.event("task_dispatched", "facts", at: 1, attempt: 1, adapter: "crewai"))
    view.apply(Sample.event("task_succeeded", "facts", at: 1, attempt: 1))
    let ascii = Style(usesColor: false, usesUnicode: false)
    for line in view.render(width: 100, height: 20, now: 0, style: ascii) {
      let isASCII = line.allSatisfy(\.isASCII)
      #expect(isASCII)
    }
  }

  @Test func aPlanThatIsRetriedShowsWhatRunsAgain() {
    var view = view
    for event in [
      Sample.event("plan_started", at: 1_000),
      Sample.event("task_succeeded", "archive", at: 1_000, attempt: 1),
      Sample.event("task_succeeded", "uses", at: 1_000, attempt: 1),
      Sample.event("task_failed", "facts", at: 1_000, attempt: 1, code: "NO", message: "no"),
      Sample.event("task_skipped", "write", at: 1_000),
      Sample.event("task_skipped", "print", at: 1_000),
      Sample.event("plan_failed", at: 1_000, code: "NO", message: "no"),
    ] { view.apply(event) }
    #expect(view.isFinal && view.finishedCount == 5)
    view.apply(Sample.event("plan_retried", at: 2_000))
    #expect(view.status == .running && view.finishedCount == 2 && view.reason.isEmpty)
    #expect(view.tasks.map(\.status) == [.ready, .succeeded, .succeeded, .pending, .pending])
    view.apply(Sample.event("task_succeeded", "facts", at: 3_000, attempt: 2))
    #expect(view.tasks[3].status == .ready && view.open(view.tasks[4]) == ["write"])
  }
}
