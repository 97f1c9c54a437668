import Engine
import Plan
import Testing

@testable import Orchestrator

/// Runs that ask for input: what is kept, shown and sent.
@Suite("Dialogs")
struct DialogTests {
  private func answer(
    _ bench: Bench, _ value: String, question: Int32 = 0
  ) throws -> Result<CompletionAnswer, OrchestratorError>? {
    let intake = try CompletionIntake(
      .value(Array(value.utf8)), question: question, limits: bench.options.limits)
    return bench.ask { shard, reply in
      shard.complete(Bench.planID(1), task: "a", attempt: 0, intake, reply)
    }
  }

  /// A bench whose one task has asked `prompt`.
  private func asked(_ prompt: String, polled: Bool = false) throws -> Bench {
    let bench = try Bench()
    bench.register(isPolled: polled)
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    guard !polled else { return bench }
    _ = bench.report(call.handOut.run, output: prompt, asks: true)
    return bench
  }

  private func turn(_ prompt: String, _ value: String) -> DialogTurn {
    DialogTurn(prompt: Array(prompt.utf8), value: Array(value.utf8))
  }

  @Test("S3: the answer is durable before it is sent, over restarts, and given to the parked run")
  func resume() throws {
    let first = try asked(#"{"q": 1}"#)
    #expect(try first.states() == "a:waiting_input")
    #expect(try first.read().prompts == [0: Array(#"{"q": 1}"#.utf8)])
    let second = try Bench(store: first.store, clock: first.clock)
    _ = try second.shard.recover()
    #expect(try second.read().prompts == [0: Array(#"{"q": 1}"#.utf8)])
    #expect(try answer(second, "true")?.get().task.status == .ready)
    let third = try Bench(store: first.store, clock: first.clock)
    _ = try third.shard.recover()
    third.register()
    let call = try #require(third.port.takeCalls().first)
    #expect(call.handOut.parkedHandle == "h" && call.handOut.dialog == [turn(#"{"q": 1}"#, "true")])
    #expect(call.handOut.run.token == 3 && call.handOut.delivery == 1)
    // P1: without an answer the same again, after a restart too.
    let fourth = try Bench(store: first.store, clock: first.clock)
    _ = try fourth.shard.recover()
    fourth.register()
    let again = try #require(fourth.port.takeCalls().first)
    #expect(again.handOut == call.handOut)
    _ = fourth.report(again.handOut.run, output: "[2]", asks: true)
    _ = try answer(fourth, "null")
    let next = try #require(fourth.port.takeCalls().first)
    #expect(next.handOut.dialog == [turn(#"{"q": 1}"#, "true"), turn("[2]", "null")])
    _ = fourth.report(next.handOut.run)
    #expect(
      try fourth.kinds() == [
        .planCreated, .planStarted, .taskDispatched, .taskRunning, .taskWaitingInput, .taskResumed,
        .taskRunning, .taskWaitingInput, .taskResumed, .taskRunning, .taskSucceeded, .planCompleted,
      ])
  }

  @Test("P2: where the run is lost the attempt begins anew, with everything it was told")
  func replay() throws {
    let bench = try asked("1")
    _ = try answer(bench, "2")
    let call = try #require(bench.port.takeCalls().first)
    call.reply(.lost(code: "RUN_LOST", message: "gone"))
    bench.settle()
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.parkedHandle == nil && again.handOut.dialog == [turn("1", "2")])
    #expect(again.handOut.delivery == 2 && again.handOut.run.attempt == 1)
    // A new attempt knows nothing of it.
    _ = bench.report(
      again.handOut.run, error: TaskError(.transient, code: "T", message: "once more"))
    bench.advance(2_000)
    let fresh = try #require(bench.port.takeCalls().first)
    #expect(fresh.handOut.run.attempt == 2 && fresh.handOut.dialog.isEmpty)
    _ = bench.report(fresh.handOut.run, output: "3", asks: true)
    #expect(try bench.read().prompts == [0: Array("3".utf8)])
    _ = try answer(bench, "4")
    #expect(bench.port.takeCalls().first?.handOut.dialog == [turn("3", "4")])
  }

  @Test("a polled run that asks is forgotten as a result, and gets its answer")
  func polled() throws {
    let bench = try asked("1", polled: true)
    let poll = try #require(bench.port.takePolls().first)
    poll.reply(.finished(AdapterResult(outcome: .waitingInput, output: Array("1".utf8))))
    bench.settle()
    #expect(try bench.states() == "a:waiting_input")
    let key = IdempotencyKey(planID: Bench.planID(1), taskID: "a")
    let held = RunList.Run(key: key, attempt: 1, token: 1, isFinished: true)
    let reply = try bench.heartbeat(runs: [held], answered: 1)
    #expect(reply.forget == [RunReference(key: key, attempt: 1)] && reply.cancel.isEmpty)
    _ = try answer(bench, "2")
    #expect(bench.port.takeCalls().first?.handOut.parkedHandle == "h")
    // A list from before the answer arrived says nothing of the run (P4).
    _ = try bench.heartbeat(answered: 5)
    #expect(try bench.states() == "a:dispatched")
  }

  @Test("an answer may name its question; repeated it is known, and does not answer the next one")
  func question() throws {
    let bench = try asked("1")
    #expect(try answer(bench, "2", question: 1)?.get().isRepeated == false)
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(call.handOut.run, output: "1", asks: true)
    #expect(try answer(bench, "2", question: 1)?.get().isRepeated == true)
    #expect(try bench.states() == "a:waiting_input")
    #expect(try bench.read().tasks[0].row.question == 2)
  }

  @Test("questions and answers have limits; a question that is no JSON is tried again")
  func limits() throws {
    let bench = try asked("\"" + String(repeating: "x", count: 64 << 10) + "\"")
    #expect(try bench.read().tasks[0].row.error?.code == "PROMPT_TOO_LARGE")
    let other = try asked("{")
    #expect(try other.states() == "a:waiting_retry")
    #expect(try other.read().tasks[0].row.error?.code == "NOT_JSON")
    let large = try asked("1")
    let text = "\"" + String(repeating: "x", count: 600 << 10) + "\""
    _ = try answer(large, text)
    let call = try #require(large.port.takeCalls().first)
    _ = large.report(call.handOut.run, output: "2", asks: true)
    guard case .failure(let error)? = try answer(large, text) else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .answerTooLarge && error.message.contains("\"a\""))
    #expect(try large.states() == "a:waiting_input")
    _ = try answer(large, "3")
    var run = try #require(large.port.takeCalls().first).handOut.run
    for _ in 3...100 {
      _ = large.report(run, output: "4", asks: true)
      _ = try answer(large, "5")
      run = try #require(large.port.takeCalls().first).handOut.run
    }
    _ = large.report(run, output: "6", asks: true)
    #expect(try large.read().tasks[0].row.error?.code == "DIALOG_TOO_LARGE")
  }

  @Test("an answer to a plan that has ended leaves nothing of it in memory, however long it is")
  func answerAfterTheEnd() throws {
    let bench = try asked("1")
    let text = "\"" + String(repeating: "x", count: 600 << 10) + "\""
    _ = try answer(bench, text)
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(call.handOut.run, output: "2", asks: true)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1, reply)
    }
    #expect(bench.shard.plans.isEmpty)
    guard case .failure(let error)? = try answer(bench, "[\(text)]") else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .notWaiting)
    #expect(bench.shard.plans.isEmpty)
  }

  @Test("S2: an answer whose commit fails is not sent, and is asked for again")
  func failedCommit() throws {
    let bench = try asked("1")
    bench.store.plan(.before)
    guard case .failure(let error)? = try answer(bench, "2") else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .storeUnavailable && bench.port.takeCalls().isEmpty)
    bench.advance(bench.options.resendMilliseconds)
    #expect(try bench.states() == "a:waiting_input")
    _ = try answer(bench, "3")
    #expect(bench.port.takeCalls().first?.handOut.dialog == [turn("1", "3")])
  }
}
