import Plan
import Testing

@testable import Engine

/// Bulk transitions go in chunks, so that they delay nobody, and come to their end.
struct BulkTests {
  private func fan(_ count: Int, join: Bool = false) -> Plan {
    var fan = plan("a attempts=1")
    for index in 0..<count {
      var task = PlanTask()
      task.id = "t\(index)"
      task.type = "t"
      task.dependsOn = ["a"]
      fan.tasks.append(task)
    }
    if join {
      var task = PlanTask()
      task.id = "join"
      task.type = "t"
      task.dependsOn = fan.tasks.map(\.id)
      fan.tasks.append(task)
    }
    return fan
  }

  /// Sends `.more` while there is more; answers how many rows each transition wrote.
  private func finish(_ scene: inout Scene) -> [Int] {
    var rows: [Int] = []
    while scene.last.hasMore, rows.count < 1_000 {
      scene.send(.more)
      rows.append(scene.last.change?.tasks.count ?? 0)
    }
    return rows
  }

  @Test("19,999 dependents are skipped 512 at a time, and the plan ends with the last")
  func skips() throws {
    var scene = try Scene(fan(19_999))
    scene.play("submit; fail a PERMANENT")
    #expect(scene.last.change?.tasks.count == 513 && scene.last.hasMore)
    let rows = finish(&scene)
    #expect(rows.dropLast().allSatisfy { $0 == 512 } && rows.reduce(513, +) == 20_000)
    #expect(scene.machine.plan.status == .failed && scene.last.commands == [.ended])
    #expect(scene.events.last?.kind == .planFailed)
    #expect(scene.events.count == 2 + 3 + 19_999 + 1)
    #expect(scene.events.map(\.seq) == Array(1...Int64(scene.events.count)))
  }

  @Test("a chain of 20,000 is skipped without recursion")
  func chain() throws {
    var chain = plan("t0 attempts=1")
    for index in 1..<20_000 {
      var task = PlanTask()
      task.id = "t\(index)"
      task.type = "t"
      task.dependsOn = ["t\(index - 1)"]
      chain.tasks.append(task)
    }
    var scene = try Scene(chain)
    scene.play("submit; fail t0 PERMANENT")
    _ = finish(&scene)
    #expect(scene.machine.plan.status == .failed)
    #expect(scene.machine.rows.dropFirst().allSatisfy { $0.status == .skipped })
  }

  @Test(
    "a bulk skip comes to its end when the last open task is the last of a chunk",
    arguments: [510, 511, 512, 513, 1_022, 1_023])
  func exactChunk(count: Int) throws {
    var scene = try Scene(fan(count, join: true))
    scene.play("submit; fail a PERMANENT")
    #expect(finish(&scene).count < 10 && !scene.last.hasMore)
    #expect(scene.machine.plan.status == .failed)
  }

  @Test("S7: a cancel of 20,000 fences at once and writes the rows in chunks")
  func cancel() throws {
    var scene = try Scene(fan(19_999))
    scene.play("submit; cancel")
    #expect(scene.machine.plan.status == .cancelled && scene.machine.plan.finishedAt == nil)
    #expect(scene.last.change?.tasks.count == 512 && scene.last.hasMore)
    #expect(scene.machine.rows.indices.allSatisfy { scene.machine.status(of: $0) == .cancelled })
    let rows = finish(&scene)
    #expect(rows.reduce(512, +) == 20_000)
    #expect(scene.machine.plan.finishedAt != nil && scene.events.last?.kind == .planCancelled)
  }

  @Test("S7: results and hand-outs between the chunks of a cancel change nothing")
  func betweenChunks() throws {
    var tasks = (0..<2_000).map { "t\($0)" }
    tasks[0] = "t0 attempts=1"
    var scene = try Scene(
      tasks.joined(separator: " "), pool: AdapterPool("mock/m1:t*2000"), defaults: Self.wide)
    scene.play("submit")
    #expect(scene.pool.inFlight == 1_000)
    scene.play("cancel")
    #expect(scene.play("succeed t900").contains("= ALREADY_TERMINAL"))
    scene.play("lose t901; refuse t902; reject t903 PERMANENT; schedule; start t904; pause; resume")
    _ = finish(&scene)
    #expect(scene.pool.inFlight == 0 && scene.machine.outCount == 0)
    #expect(scene.machine.rows.allSatisfy { $0.status == .cancelled })
    let ended = scene.events.filter { $0.kind == .planCancelled || $0.kind == .taskDispatched }
    #expect(ended.count == 1_001)
  }

  private static var wide: PlanDefaults {
    var defaults = PlanDefaults()
    defaults.maxParallel = 10_000
    return defaults
  }

  @Test(
    "a restart between chunks goes on where it stopped", arguments: ["fail a PERMANENT", "cancel"])
  func restart(step: String) throws {
    var scene = try Scene(fan(1_999))
    scene.play("submit; \(step)")
    var steps = 0
    while scene.last.hasMore, steps < 100 {
      #expect(scene.play("crash").hasPrefix("crash >"))
      #expect(scene.last.change == nil, "a load changes nothing")
      scene.play("more")
      steps += 1
    }
    #expect(scene.machine.plan.status.isFinal && scene.machine.plan.finishedAt != nil)
    #expect(Set(scene.stored.tasks.map(\.status)).isSubset(of: [.failed, .skipped, .cancelled]))
    #expect(scene.stored.tasks.count == 2_000 && scene.pool.inFlight == 0)
  }

  @Test("20,000 tasks of as many types cost no more than a moment each")
  func manyLanes() throws {
    var wide = fan(0)
    wide.tasks = (0..<20_000).map { index in
      var task = PlanTask()
      task.id = "t\(index)"
      task.type = "type\(index)"
      return task
    }
    var scene = try Scene(wide)
    let time = ContinuousClock().measure { scene.play("submit; schedule") }
    #expect(time < .seconds(20))
  }
}
