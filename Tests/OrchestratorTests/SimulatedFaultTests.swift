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
}
