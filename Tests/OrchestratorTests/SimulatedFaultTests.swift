import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

/// What the simulation has found, each as its shortest story.
struct SimulatedFaultTests {
  @Test("places of a plan that is being loaded again are not given away")
  func placesWhileReloading() throws {
    let bench = try Bench { $0.places.inFlight = 1 }
    bench.register()
    try bench.submit(["a", "b"], number: 1)
    let call = try #require(bench.port.takeCalls().first)
    bench.store.plan(.before)
    _ = bench.report(call.handOut.run)
    try bench.submit(["c"], number: 2)
    #expect(bench.port.takeCalls().isEmpty, "a still holds the only place")
    bench.advance(bench.options.resendMilliseconds)
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["a"], "sent again")
    _ = bench.report(call.handOut.run)
    #expect(bench.port.takeCalls().count == 1)
    #expect(bench.shard.pool.inFlight == 1)
  }

  @Test("S1, S2: a key is refused for a plan only once that plan is stored")
  func refusalBeforeCommit() throws {
    let bench = try Bench()
    var answers: [Result<SubmitAnswer, OrchestratorError>] = []
    bench.store.plan(.before)
    // One turn: the plan that takes the key, and another body for the same key.
    bench.shard.submit(try bench.submission(["a"], number: 1, key: "k", digest: 0)) {
      answers.append($0)
    }
    bench.shard.submit(try bench.submission(["a"], number: 2, key: "k", digest: 1)) {
      answers.append($0)
    }
    bench.settle()
    #expect(answers.count == 2)
    for answer in answers {
      #expect(throws: OrchestratorError.self) { try answer.get() }
      if case .failure(let error) = answer { #expect(error.code == .storeUnavailable) }
    }
  }

  @Test("a plan shown in the turn of a result shows the output too")
  func outputsOfThisTurn() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    let intake = ResultIntake(
      AdapterResult(outcome: .succeeded, output: Array("1".utf8)), limits: bench.options.limits)
    var shown: Result<PlanSnapshot, OrchestratorError>?
    bench.shard.report(run.key, run.attempt, run.token, intake) { _ in }
    bench.shard.read(Bench.planID(1), from: 0, count: 9, withOutputs: true) { shown = $0 }
    bench.settle()
    let snapshot = try #require(try shown?.get())
    #expect(snapshot.tasks.first?.status == .succeeded)
    #expect(snapshot.outputs == [0: Array("1".utf8)])
  }

  @Test("S2, S9: no reader is told of an end that is not committed")
  func endBeforeCommit() throws {
    let bench = try Bench()
    try bench.submit(["a"])
    var batch: Result<WatchBatch, OrchestratorError>?
    bench.store.plan(.before)
    bench.shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1) { _ in }
    // Beyond everything that there is.
    _ = bench.shard.watch(Bench.planID(1), WatchCursor(seq: 99)) { batch = $0 }
    bench.settle()
    if case .success(let batch) = batch { #expect(!batch.isEnd) }
    bench.advance(bench.options.resendMilliseconds)
    #expect(try bench.read().plan.status == .running)
  }

  @Test("S2: an answer shows nothing that follows from the commit and is not committed itself")
  func answerBeforeWhatFollows() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "ok<a"]) {
      $0.tasks[1].type = PlanTask.approvalType
      $0.tasks[1].payload = Array(#"{"prompt":"Send ${{ tasks.a.output.nothing }}?"}"#.utf8)
    }
    let run = try #require(bench.port.takeCalls().first).handOut.run
    let pause = PlanEvent.pause(reason: "")
    bench.shard.steer(Bench.planID(1), pause, pageSize: 9) { _ in }
    bench.settle()
    _ = bench.report(run)
    // Once it is resumed the approval asks, and then fails: its prompt cannot be made.
    var shown: PlanSnapshot?
    var stored: Int64?
    bench.shard.steer(Bench.planID(1), .resume, pageSize: 9) { answer in
      shown = try? answer.get()
      stored = try? bench.store.load(Bench.planID(1))?.plan.revision
    }
    bench.settle()
    #expect(shown?.plan.revision == stored)
    #expect(shown?.plan.status == .running && shown?.tasks[1].status == .waitingInput)
    #expect(try bench.states() == "a:succeeded ok:failed")
  }

  @Test("P1: a run that had begun is asked for again while its adapter is busy")
  func busyWhileRunning() throws {
    let first = try Bench()
    first.register()
    try first.submit(["a"])
    let run = try #require(first.port.takeCalls().first).handOut.run
    first.shard.progress(run, started: true, nil)
    first.settle()
    let second = try Bench(store: first.store, clock: first.clock)
    _ = try second.shard.recover()
    // The adapter's next process, which knows nothing of the run and has no place.
    second.register(epoch: "e2")
    let again = try #require(second.port.takeCalls().first)
    again.reply(.busy(retryAfterMilliseconds: nil))
    second.settle()
    #expect(try second.states() == "a:running")
    second.advance(second.options.backoffMilliseconds(failures: 1))
    let third = try #require(second.port.takeCalls().first)
    #expect(third.handOut.run == again.handOut.run && third.handOut.delivery == 1)
    third.reply(.lost(code: "RUN_LOST", message: "lost with its process"))
    second.settle()
    #expect(second.port.takeCalls().first?.handOut.delivery == 2)
  }
}
