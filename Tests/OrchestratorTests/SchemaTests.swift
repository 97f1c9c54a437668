import Engine
import Plan
import Testing

@testable import Orchestrator

@Suite("Output schemas")
struct SchemaTests {
  private let schema = Array(#"{"type":"object","required":["n"]}"#.utf8)

  private func bench() throws -> Bench {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { $0.tasks[0].outputSchema = schema }
    return bench
  }

  @Test("S5: an output that does not fit is INVALID_OUTPUT, tried again with feedback")
  func retried() throws {
    let bench = try bench()
    let first = try #require(bench.port.takeCalls().first)
    #expect(first.handOut.outputSchema == schema && first.handOut.feedback.isEmpty)
    #expect(try #require(bench.report(first.handOut.run, output: "{}")).get() == .done)
    #expect(try #require(bench.report(first.handOut.run, output: "{}")).get() == .alreadyRecorded)
    #expect(try bench.states() == "a:waiting_retry")
    #expect(try bench.read().tasks[0].row.error?.code == "OUTPUT_SCHEMA")
    bench.advance(2_000)
    let second = try #require(bench.port.takeCalls().first)
    #expect(second.handOut.feedback == "the output does not fit its schema: output.n is missing")
    _ = bench.report(second.handOut.run, output: #"{"n":1}"#)
    #expect(try bench.read().plan.status == .completed)
    #expect(try bench.read().outputs[0] == Array(#"{"n":1}"#.utf8))
  }

  @Test("polled results are checked too, and failures are not")
  func polled() throws {
    let bench = try Bench()
    bench.register(isPolled: true)
    try bench.submit(["a"]) { $0.tasks[0].outputSchema = schema }
    bench.accept(try #require(bench.port.takeCalls().first))
    let poll = try #require(bench.port.takePolls().first)
    poll.reply(.finished(AdapterResult(outcome: .succeeded, output: Array("[]".utf8))))
    bench.settle()
    #expect(try bench.read().tasks[0].row.error?.code == "OUTPUT_SCHEMA")
    bench.advance(2_000)
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(
      call.handOut.run, output: "",
      error: TaskError(.permanent, code: "MINE", message: "of the test"))
    #expect(try bench.read().tasks[0].row.error?.code == "MINE")
  }
}
