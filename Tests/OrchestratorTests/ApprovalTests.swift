import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("Approval")
struct ApprovalTests {
  private func submit(_ bench: Bench, prompt: String) throws {
    bench.register()
    let answer = try bench.submit(["a", "ok<a", "b<ok"]) {
      $0.tasks[1].type = PlanTask.approvalType
      $0.tasks[1].payload = Array("{\"prompt\":\"\(prompt)\"}".utf8)
      $0.tasks[2].payload = Array(#"{"p":"${{ tasks.ok.output.to }}"}"#.utf8)
    }
    #expect(try answer?.get().warnings == [], "no adapter is needed for an approval")
  }

  private func decide(
    _ bench: Bench, _ decision: TaskDecision, task: String = "ok", attempt: Int32 = 0
  ) throws -> Result<CompletionAnswer, OrchestratorError>? {
    let intake = try CompletionIntake(decision, limits: bench.options.limits)
    return bench.ask { shard, reply in
      shard.complete(Bench.planID(1), task: task, attempt: attempt, intake, reply)
    }
  }

  @Test("the prompt is shown with its references resolved, after a restart too; the value goes on")
  func approve() throws {
    let first = try Bench()
    try submit(first, prompt: "Send ${{ tasks.a.output.text }}?")
    _ = first.report(try #require(first.port.takeCalls().first).handOut.run)
    #expect(try first.states() == "a:succeeded ok:waiting_input b:pending")
    #expect(try first.read().prompts == [1: Array(#""Send ok?""#.utf8)])
    let second = try Bench(store: first.store, clock: first.clock)
    _ = try second.shard.recover()
    second.register()
    #expect(try second.read().prompts == [1: Array(#""Send ok?""#.utf8)])
    let value = TaskDecision.value(Array(#"{"to":"ann"}"#.utf8))
    let answer = try decide(second, value)?.get()
    #expect(answer?.isRepeated == false && answer?.task.status == .succeeded)
    #expect(try decide(second, value)?.get().isRepeated == true)
    let next = try #require(second.port.takeCalls().first)
    #expect(String(decoding: next.handOut.payload, as: UTF8.self) == #"{"p":"ann"}"#)
    #expect(try second.read().outputs[1] == Array(#"{"to":"ann"}"#.utf8))
  }

  @Test("a rejection fails the plan, and is known when it comes again")
  func reject() throws {
    let bench = try Bench()
    try submit(bench, prompt: "Send it?")
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(try decide(bench, .reject("not today"))?.get().task.row.error?.code == "REJECTED")
    #expect(try bench.read().plan.error?.message.contains("not today") == true)
    #expect(try decide(bench, .reject("not today"))?.get().isRepeated == true)
    guard case .failure(let error)? = try decide(bench, .value([])) else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .notWaiting && error.message.contains("\"ok\" (failed)"))
    guard case .failure(let unknown)? = try decide(bench, .value([]), task: "nobody") else {
      Issue.record("not refused")
      return
    }
    #expect(unknown.code == .taskNotFound)
    #expect(bench.shard.plans.isEmpty)
  }

  @Test("a question that cannot be made fails the task, naming what is missing")
  func brokenPrompt() throws {
    let bench = try Bench()
    try submit(bench, prompt: "Send ${{ tasks.a.output.nothing }}?")
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(try bench.read().tasks[1].row.error?.code == "REFERENCE_MISSING")
  }

  @Test("a value that is too large or no JSON is refused")
  func badValue() throws {
    var limits = PlanLimits()
    limits.maxOutputBytes = 4
    for bytes in ["{", "[1,2]"] {
      #expect(throws: PlanProblems.self) {
        try CompletionIntake(.value(Array(bytes.utf8)), limits: limits)
      }
    }
  }
}
