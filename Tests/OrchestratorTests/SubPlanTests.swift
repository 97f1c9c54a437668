import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("Sub-plans")
struct SubPlanTests {
  private static let document = #"""
    {"plan":{"name":"inner","inputs":{"v":0,"w":"w"},"tasks":[
      {"id":"x","type":"mock","payload":{"v":"${{ inputs.v }}","w":"${{ inputs.w }}"}},
      {"id":"y","type":"mock","depends_on":["x"],"payload":{"x":"${{ tasks.x.output }}"}}]},
     "inputs":{"v":"${{ tasks.a.output.n }}"}}
    """#

  /// Finds a number, runs a plan with it, then reads what that came to.
  private func bench(
    payload: String = document, store: FlakyStore = FlakyStore(),
    _ edit: (inout Plan) -> Void = { _ in }
  ) throws -> Bench {
    let bench = try Bench(store: store)
    bench.register()
    try bench.submit(["a", "p<a", "z<p"]) { plan in
      plan.name = "outer"
      plan.owner = "ann"
      plan.tasks[1].type = PlanTask.subPlanType
      plan.tasks[1].payload = Array(payload.utf8)
      plan.tasks[2].payload = Array(#"{"y":"${{ tasks.p.output.y }}"}"#.utf8)
      edit(&plan)
    }
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(call.handOut.run, output: #"{"n":5}"#)
    return bench
  }

  private func child(_ bench: Bench, _ task: Int = 1) throws -> PlanID {
    try #require(PlanID(try bench.read().tasks[task].row.handle))
  }

  private func read(_ bench: Bench, _ id: PlanID) throws -> PlanSnapshot {
    let answer: Result<PlanSnapshot, OrchestratorError>? = bench.ask { shard, reply in
      shard.read(id, from: 0, count: 500, withOutputs: true, reply)
    }
    return try #require(answer).get()
  }

  private func steer(_ bench: Bench, _ event: PlanEvent, _ id: PlanID = Bench.planID(1)) {
    let _: Result<PlanSnapshot, OrchestratorError>? = bench.ask { shard, reply in
      shard.steer(id, event, pageSize: 10, reply)
    }
  }

  @Test("a task runs a plan of its own with its inputs, and its output is that plan's, by task")
  func runs() throws {
    let bench = try bench()
    let id = try child(bench)
    let first = try #require(bench.port.takeCalls().first)
    #expect(first.handOut.run.key == IdempotencyKey(planID: id, taskID: "x"))
    #expect(String(decoding: first.handOut.payload, as: UTF8.self) == #"{"v":5,"w":"w"}"#)
    let inner = try read(bench, id)
    #expect(inner.creation.plan.name == "inner" && inner.creation.plan.owner == "ann")
    #expect(
      inner.creation.parent
        == ParentTask(key: IdempotencyKey(planID: Bench.planID(1), taskID: "p"), attempt: 1))
    _ = bench.report(first.handOut.run, output: "1")
    let second = try #require(bench.port.takeCalls().first)
    _ = bench.report(second.handOut.run, output: #"{"text":"two"}"#)
    let last = try #require(bench.port.takeCalls().first)
    #expect(last.handOut.run.key.taskID == "z")
    #expect(String(decoding: last.handOut.payload, as: UTF8.self) == #"{"y":{"text":"two"}}"#)
    let output = try bench.read().outputs[1]
    #expect(output == Array(#"{"x":1,"y":{"text":"two"}}"#.utf8))
    #expect(try read(bench, id).plan.status == .completed)
    var filter = PlanFilter()
    filter.parent = Bench.planID(1)
    #expect(try bench.store.list(filter, before: nil, limit: 9).map(\.planID) == [id])
  }

  @Test("a failed sub-plan fails the attempt with its error; the next attempt is another plan")
  func fails() throws {
    let bench = try bench { plan in
      plan.tasks[1].retry.maxAttempts = 2
      plan.tasks[1].retry.initialDelayMilliseconds = 100
      plan.tasks[1].retry.jitter = 0
      // The error's class is the sub-plan's: RATE_LIMITED may pass, PERMANENT will not.
      plan.tasks[1].payload = Array(
        Self.document.replacing(#""id":"x","#, with: #""id":"x","retry":{"max_attempts":1},"#).utf8)
    }
    let zeroth = try child(bench)
    let limited = try #require(bench.port.takeCalls().first)
    _ = bench.report(
      limited.handOut.run, error: TaskError(.rateLimited, code: "SLOW", message: "slow down"))
    #expect(try bench.read().tasks[1].status == .waitingRetry)
    bench.advance(100)
    let first = try child(bench)
    #expect(first != zeroth)
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(
      call.handOut.run, error: TaskError(.permanent, code: "BROKEN", message: "it broke"))
    let task = try bench.read().tasks[1]
    #expect(task.status == .failed && task.row.attempt == 2 && task.row.error?.code == "BROKEN")
    #expect(task.row.error?.message == "sub-plan \(first) failed: task \"x\" failed: it broke")
    let retried: Result<PlanSnapshot, OrchestratorError>? = bench.ask { shard, reply in
      shard.retry(first, reason: "", pageSize: 9, reply)
    }
    #expect(throws: OrchestratorError.self) { try #require(retried).get() }
    let again: Result<PlanSnapshot, OrchestratorError>? = bench.ask { shard, reply in
      shard.retry(Bench.planID(1), reason: "", pageSize: 9, reply)
    }
    _ = try #require(again).get()
    #expect(try child(bench) != first)
    #expect(try bench.read().tasks[1].row.attempt == 3)
  }

  @Test("S7: pause, resume and cancel reach sub-plans in the commit that answers them")
  func follows() throws {
    let bench = try bench()
    let id = try child(bench)
    let call = try #require(bench.port.takeCalls().first)
    var commits = bench.store.commitCount
    steer(bench, .pause(reason: "lunch"))
    #expect(bench.store.commitCount == commits + 1)
    #expect(try read(bench, id).plan.status == .paused)
    _ = bench.report(call.handOut.run, output: "1")
    #expect(bench.port.takeCalls().isEmpty, "nothing of a paused sub-plan is handed out")
    steer(bench, .resume)
    #expect(try read(bench, id).plan.status == .running)
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["y"])
    commits = bench.store.commitCount
    steer(bench, .cancel(reason: "stop"))
    #expect(bench.store.commitCount == commits + 1)
    #expect(try read(bench, id).plan.status == .cancelled)
    #expect(bench.port.takeCancelled().map(\.key.taskID) == ["y"])
    #expect(try bench.read().plan.status == .cancelled)
  }

  @Test("a sub-plan that is cancelled on its own fails its task for good")
  func cancelled() throws {
    let bench = try bench()
    steer(bench, .cancel(reason: "no"), try child(bench))
    let row = try bench.read().tasks[1].row
    #expect(row.status == .failed && row.error?.code == "SUB_PLAN_CANCELLED" && row.attempt == 1)
  }

  @Test("after a stop at any commit there is one sub-plan, and its end is told")
  func restarts() throws {
    for stopAfter in 0..<7 {
      let store = FlakyStore()
      let first = try bench(store: store)
      var done = 0
      while done < stopAfter, let call = first.port.takeCalls().first {
        // A stop between the end of the sub-plan and the task's own: the second commit fails.
        if stopAfter % 2 == 1, call.handOut.run.key.taskID == "y" { store.plan(.none, .before) }
        _ = first.report(call.handOut.run, output: "1")
        done += 1
      }
      let second = try Bench(store: store)
      _ = try second.shard.recover()
      second.register()
      for _ in 0..<6 {
        second.advance(2_000)
        for call in second.port.takeCalls() { _ = second.report(call.handOut.run, output: "1") }
      }
      let state = try second.read()
      #expect(state.plan.status == .completed, "stopped after \(stopAfter)")
      #expect(state.tasks[1].row.attempt == 1 && state.outputs[1] == Array(#"{"x":1,"y":1}"#.utf8))
      var filter = PlanFilter()
      filter.parent = Bench.planID(1)
      #expect(try store.list(filter, before: nil, limit: 9).count == 1)
    }
  }

  @Test("a commit that fails loses no sub-plan")
  func failedCommits() throws {
    for fault in [FlakyStore.Fault.before, .after] {
      for at in 1..<6 {
        let store = FlakyStore()
        let bench = try Bench(store: store)
        bench.register()
        store.plan(faults: Array(repeating: .none, count: at) + [fault])
        try bench.submit(["p"]) { plan in
          plan.tasks[0].type = PlanTask.subPlanType
          plan.tasks[0].payload = Array(#"{"plan":{"tasks":[{"id":"x","type":"mock"}]}}"#.utf8)
        }
        for _ in 0..<6 {
          for call in bench.port.takeCalls() { _ = bench.report(call.handOut.run, output: "1") }
          bench.advance(1_000)
        }
        #expect(try bench.read().plan.status == .completed, "\(fault) at \(at)")
        var filter = PlanFilter()
        filter.parent = Bench.planID(1)
        #expect(try store.list(filter, before: nil, limit: 9).count == 1)
      }
    }
  }

  @Test("a sub-plan that was left behind is cancelled when it is loaded")
  func orphan() throws {
    let store = FlakyStore()
    let first = try bench(store: store)
    let id = try child(first)
    // The plan around ends alone, as where the sub-plan could not be read at that time.
    first.shard.plans[id] = nil
    steer(first, .cancel(reason: "stop"))
    let second = try Bench(store: store)
    _ = try second.shard.recover()
    second.settle()
    #expect(try read(second, id).plan.status == .cancelled)
  }

  @Test("`outputs` names what is kept; too much of it fails the task, and says what to do")
  func outputs() throws {
    let chosen = Self.document.replacing(
      #""inputs":{"v":"${{"#, with: #""outputs":["y"],"inputs":{"v":"${{"#)
    let big = "\"" + String(repeating: "x", count: 700_000) + "\""
    for (payload, isChosen) in [(chosen, true), (Self.document, false)] {
      let bench = try bench(payload: payload)
      for _ in 0..<2 {
        let call = try #require(bench.port.takeCalls().first)
        _ = bench.report(call.handOut.run, output: big)
      }
      let task = try bench.read().tasks[1]
      #expect(task.status == (isChosen ? .succeeded : .failed))
      #expect(task.row.error?.code == (isChosen ? nil : "OUTPUT_TOO_LARGE"))
    }
  }

  @Test("an input that cannot be made, or looks like a reference, is nobody's accident")
  func inputs() throws {
    let missing = try bench(payload: Self.document.replacing("output.n", with: "output.none"))
    #expect(try missing.read().tasks[1].row.error?.code == "REFERENCE_MISSING")
    let odd = try Bench()
    odd.register()
    try odd.submit(["a", "p<a"]) { plan in
      plan.tasks[1].type = PlanTask.subPlanType
      plan.tasks[1].payload = Array(Self.document.utf8)
    }
    let call = try #require(odd.port.takeCalls().first)
    _ = odd.report(call.handOut.run, output: #"{"n":"${{ tasks.q.output }}"}"#)
    let next = try #require(odd.port.takeCalls().first)
    #expect(
      String(decoding: next.handOut.payload, as: UTF8.self)
        == #"{"v":"${{ tasks.q.output }}","w":"w"}"#)
  }
}
