import Plan
import Testing

@testable import Orchestrator

@Suite("Watching")
struct WatchTests {
  /// Reads until nothing is there or the end has come.
  private func drain(
    _ bench: Bench, _ cursor: inout WatchCursor, number: UInt64 = 1
  ) throws -> (events: [TraceEvent], progress: [ProgressNote], isEnd: Bool) {
    var events: [TraceEvent] = []
    var progress: [ProgressNote] = []
    while true {
      var waiting: UInt64?
      let answer: Result<WatchBatch, OrchestratorError>? = bench.ask { shard, reply in
        waiting = shard.watch(Bench.planID(number), cursor, reply)
      }
      guard let answer else {
        if let waiting { bench.shard.unwatch(Bench.planID(number), waiting) }
        return (events, progress, false)
      }
      let batch = try answer.get()
      events += batch.events
      progress += batch.progress
      cursor = batch.next
      if batch.isEnd { return (events, progress, true) }
    }
  }

  @Test("S9: history, then live, no gap and no duplicate, then the end")
  func historyThenLive() throws {
    let bench = try Bench { $0.watchedEvents = 4 }
    bench.register()
    let ids = (0..<20).map { $0 == 0 ? "t0" : "t\($0)<t\($0 - 1)" }
    try bench.submit(ids)
    var cursor = WatchCursor(seq: 1)
    var seen: [TraceEvent] = []
    var isEnd = false
    var steps = 0
    while !isEnd {
      steps += 1
      if steps % 3 == 0 || steps > 20 {
        let part = try drain(bench, &cursor)
        seen += part.events
        isEnd = part.isEnd
      }
      if let call = bench.port.takeCalls().first { _ = bench.report(call.handOut.run) }
    }
    #expect(seen.map(\.seq) == Array(1...Int64(seen.count)))
    #expect(seen.last?.kind == .planCompleted)
    var again = WatchCursor(seq: 1)
    #expect(try drain(bench, &again).events == seen, "the same for every reader")
    var late = WatchCursor(seq: 5)
    #expect(try drain(bench, &late).events == Array(seen.dropFirst(4)))
  }

  @Test("a waiting watcher is told at the next commit; one that left is not kept")
  func waiting() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let entry = try #require(bench.shard.plans[Bench.planID(1)])
    var batches: [WatchBatch] = []
    let cursor = WatchCursor(seq: entry.committedSeq + 1)
    let number = bench.shard.watch(Bench.planID(1), cursor) { result in
      if case .success(let batch) = result { batches.append(batch) }
    }
    #expect(number != nil && batches.isEmpty)
    let gone = try #require(bench.shard.watch(Bench.planID(1), cursor) { _ in })
    bench.shard.unwatch(Bench.planID(1), gone)
    #expect(entry.watchers.count == 1)
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(batches.count == 1)
    #expect(batches.first?.isEnd == true)
  }

  @Test("progress is live only and carries no seq")
  func progress() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    let note = ProgressNote(
      taskID: "a", attempt: 1, time: 5, body: .chunk(offset: 0, text: "He"))
    bench.shard.progress(run, started: true, note)
    bench.settle()
    var live = WatchCursor(seq: 1, progress: WatchCursor.live)
    #expect(try drain(bench, &live).progress.isEmpty)
    bench.shard.progress(run, started: false, note)
    bench.settle()
    #expect(try drain(bench, &live).progress == [note])
    var without = WatchCursor(seq: 1)
    #expect(try drain(bench, &without).progress.isEmpty)
    #expect(try bench.states() == "a:running")
  }

  @Test("an unknown plan is NOT_FOUND")
  func unknown() throws {
    let bench = try Bench()
    let answer: Result<WatchBatch, OrchestratorError>? = bench.ask { shard, reply in
      _ = shard.watch(Bench.planID(9), WatchCursor(seq: 1), reply)
    }
    #expect(throws: OrchestratorError.self) { try answer?.get() }
  }

  @Test("S11: a stopping server ends its watchers, who may go on elsewhere")
  func stopping() throws {
    let bench = try Bench()
    try bench.submit(["a"])
    let entry = try #require(bench.shard.plans[Bench.planID(1)])
    var answers: [Result<WatchBatch, OrchestratorError>] = []
    let cursor = WatchCursor(seq: entry.committedSeq + 1)
    _ = bench.shard.watch(Bench.planID(1), cursor) { answers.append($0) }
    bench.shard.endWatching()
    _ = bench.shard.watch(Bench.planID(1), cursor) { answers.append($0) }
    #expect(answers == [.failure(.stopping), .failure(.stopping)])
  }

  @Test("progress that nobody watches is not kept")
  func unwatchedProgress() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    let note = ProgressNote(
      taskID: "a", attempt: 1, time: 5, body: .log(severity: "info", text: "x"))
    for _ in 0..<1_000 { bench.shard.progress(run, started: false, note) }
    bench.settle()
    let entry = try #require(bench.shard.plans[Bench.planID(1)])
    #expect(entry.progress.isEmpty)
    var live = WatchCursor(seq: 1, progress: WatchCursor.live)
    _ = try drain(bench, &live)
    for _ in 0..<1_000 { bench.shard.progress(run, started: false, note) }
    #expect((1...512).contains(entry.progress.count), "bounded while it is watched")
  }
}
