import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("Conditions")
struct ConditionTests {
  @Test("a condition is decided in the commit of the result it waited for")
  func sameCommit() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "yes<a", "no<a", "join<yes+no"]) { plan in
      plan.tasks[1].when = "tasks.a.output.urgent"
      plan.tasks[2].when = "!tasks.a.output.urgent"
      plan.tasks[3].payload = Array(
        #"{"y":"${{ tasks.yes.output }}","n":"${{ tasks.no.output.text }}"}"#.utf8)
    }
    let first = try #require(bench.port.takeCalls().first)
    bench.accept(first)
    let commits = bench.store.commitCount
    _ = bench.report(first.handOut.run, output: #"{"urgent":true}"#)
    #expect(bench.store.commitCount == commits + 1)
    #expect(try bench.states() == "a:succeeded yes:dispatched no:skipped join:pending")
    let second = try #require(bench.port.takeCalls().first)
    _ = bench.report(second.handOut.run, output: "7")
    let join = try #require(bench.port.takeCalls().first)
    #expect(String(decoding: join.handOut.payload, as: UTF8.self) == #"{"y":7,"n":null}"#)
    _ = bench.report(join.handOut.run)
    #expect(try bench.read().plan.status == .completed)
    #expect(try bench.read().tasks[2].row.error?.code == "CONDITION_FALSE")
  }

  @Test("a field that is missing fails the task, naming it")
  func missingField() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { plan in
      plan.inputs = Array(#"{"o":{}}"#.utf8)
      plan.tasks[0].when = "inputs.o.nowhere == 1"
    }
    let error = try #require(try bench.read().tasks[0].row.error)
    #expect(error.errorClass == .permanent && error.code == "CONDITION_ERROR")
    #expect(error.message.contains("inputs.o.nowhere leads to nothing"))
    #expect(bench.port.takeCalls().isEmpty)
  }

  @Test("after a restart what was not decided is decided from the store")
  func restart() throws {
    let store = FlakyStore()
    let bench = try Bench(store: store)
    bench.register()
    try bench.submit(["a", "b<a", "c"]) { $0.tasks[1].when = "tasks.a.output.n > 1" }
    let call = try #require(bench.port.takeCalls().first)
    // The result is stored, its answer is lost, and the plan is loaded again.
    store.plan(.after)
    _ = bench.report(call.handOut.run, output: #"{"n":2}"#)
    bench.advance(bench.options.resendMilliseconds)
    #expect(try bench.states() == "a:succeeded b:dispatched c:dispatched")
    let second = try Bench(store: store)
    _ = try second.shard.recover()
    second.settle()
    #expect(try second.states() == "a:succeeded b:dispatched c:dispatched")
  }

  @Test("a chain of thousands of false conditions ends in bounded steps")
  func longChain() throws {
    let bench = try Bench()
    let count = 5_000
    let names = (0..<count).map { $0 == 0 ? "t0" : "t\($0)<t\($0 - 1)" }
    try bench.submit(names) { plan in
      for index in plan.tasks.indices { plan.tasks[index].when = "false" }
    }
    #expect(try bench.read().plan.status == .completed)
    #expect(try bench.read().counts == [.skipped: count])
  }
}
