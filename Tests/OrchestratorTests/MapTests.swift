import Engine
import Plan
import Testing

@testable import Orchestrator

@Suite("Maps")
struct MapTests {
  /// Runs over what "a" finds, then reads the list that came out.
  private func bench(_ edit: (inout Plan) -> Void = { _ in }, store: FlakyStore = FlakyStore())
    throws -> Bench
  {
    let bench = try Bench(store: store)
    bench.register()
    try bench.submit(["a", "m<a", "z<m"]) { plan in
      plan.tasks[1].map = MapOptions(over: "${{ tasks.a.output.list }}")
      plan.tasks[1].payload = Array(#"{"n":"${{ item.n }}","i":"${{ index }}"}"#.utf8)
      plan.tasks[2].payload = Array(#"{"all":"${{ tasks.m.output }}"}"#.utf8)
      edit(&plan)
    }
    return bench
  }

  private func finish(_ bench: Bench, _ output: String) throws {
    let call = try #require(bench.port.takeCalls().first { $0.handOut.run.key.taskID == "a" })
    _ = bench.report(call.handOut.run, output: output)
  }

  @Test("a task is run once per element; its output is the list of theirs, stored once")
  func list() throws {
    let bench = try bench()
    let commits = bench.store.commitCount
    try finish(bench, #"{"list":[{"n":10},{"n":20}]}"#)
    #expect(bench.store.commitCount == commits + 1, "the instances go out with the result")
    let calls = bench.port.takeCalls()
    #expect(calls.map(\.handOut.run.key.index) == [0, 1])
    #expect(
      calls.map { String(decoding: $0.handOut.payload, as: UTF8.self) }
        == [#"{"n":10,"i":0}"#, #"{"n":20,"i":1}"#])
    _ = bench.report(calls[1].handOut.run, output: "\"two\"")
    _ = bench.report(calls[0].handOut.run, output: "\"one\"")
    let last = try #require(bench.port.takeCalls().first)
    #expect(String(decoding: last.handOut.payload, as: UTF8.self) == #"{"all":["one","two"]}"#)
    _ = bench.report(last.handOut.run)
    let state = try bench.read()
    #expect(state.plan.status == .completed)
    #expect(state.tasks.map(\.index) == [nil, nil, nil, 0, 1])
    #expect(state.outputs[1] == Array(#"["one","two"]"#.utf8))
    #expect(try bench.store.outputs(Bench.planID(1), ordinals: [1]).isEmpty)
    #expect(state.counts == [.succeeded: 3])
  }

  @Test("what is no list, or too long, fails the task")
  func notAList() throws {
    for (output, code) in [
      (#"{"list":7}"#, "MAP_NOT_A_LIST"), ("{}", "REFERENCE_MISSING"),
      (#"{"list":[0,0,0,0]}"#, "MAP_TOO_LARGE"),
    ] {
      let bench = try Bench { $0.limits.maxMapItems = 3 }
      bench.register()
      try bench.submit(["a", "m<a"]) {
        $0.tasks[1].map = MapOptions(over: "${{ tasks.a.output.list }}")
      }
      try finish(bench, output)
      #expect(try bench.read().tasks[1].row.error?.code == code)
      #expect(try bench.read().plan.status == .failed)
    }
  }

  @Test("instances count against the tasks a plan may have")
  func limits() throws {
    let bench = try Bench { $0.limits.maxTasks = 4 }
    bench.register()
    try bench.submit(["a", "m<a"]) {
      $0.tasks[1].map = MapOptions(over: "${{ tasks.a.output }}")
    }
    try finish(bench, "[1,2,3]")
    #expect(try bench.read().tasks[1].row.error?.code == "MAP_TOO_LARGE")
  }

  @Test("after a restart instances go on, with the same payloads and keys")
  func restart() throws {
    let store = FlakyStore()
    let first = try bench({ $0.tasks[1].map?.maxParallel = 1 }, store: store)
    try finish(first, #"{"list":[{"n":1},{"n":2}]}"#)
    let sent = try #require(first.port.takeCalls().first)
    let second = try Bench(store: store)
    _ = try second.shard.recover()
    second.register(
      runs: [RunList.Run(key: sent.handOut.run.key, attempt: 1, token: 1, isFinished: false)])
    let again = try #require(second.port.takeCalls().first)
    #expect(again.handOut == sent.handOut)
    _ = second.report(again.handOut.run, output: "1")
    let next = try #require(second.port.takeCalls().first)
    #expect(next.handOut.run.key.index == 1)
    #expect(String(decoding: next.handOut.payload, as: UTF8.self) == #"{"n":2,"i":1}"#)
    _ = second.report(next.handOut.run, output: "2")
    let last = try #require(second.port.takeCalls().first)
    #expect(String(decoding: last.handOut.payload, as: UTF8.self) == #"{"all":[1,2]}"#)
  }
}
