import Plan
import Store
import Testing

@testable import StoreSQLite

/// Successive transitions of a plan are written as one.
struct ChangeRunTests {
  private static let plan = PlanID(high: 0x7000, low: 1)
  private static let other = PlanID(high: 0x7000, low: 2)

  /// A transition with `count` events that changes one task.
  private func change(
    _ revision: Int64, lastSeq: Int64, count: Int = 1, task: Int = 0, plan: PlanID = plan
  ) -> PlanChange {
    var row = PlanRow()
    row.revision = revision
    row.lastSeq = lastSeq
    var change = PlanChange(planID: plan, plan: row)
    var taskRow = TaskRow(ordinal: task)
    taskRow.token = revision
    change.tasks = [taskRow]
    change.outputs = [TaskOutput(ordinal: Int(revision), json: Array("1".utf8))]
    change.events = (0..<count).map {
      TraceEvent(seq: lastSeq - Int64(count - 1 - $0), time: 0, kind: .taskRunning)
    }
    return change
  }

  @Test func putsWhatFollowsTogether() {
    let runs = ChangeRun.runs(of: [
      change(2, lastSeq: 3), change(7, lastSeq: 9, plan: Self.other),
      change(3, lastSeq: 5, count: 2), change(4, lastSeq: 6, task: 1),
    ])
    #expect(runs.map(\.storedRevision) == [1, 6])
    let whole = runs[0].change
    #expect(whole.plan.revision == 4 && whole.plan.lastSeq == 6 && whole.firstSeq == 3)
    #expect(whole.events.map(\.seq) == [3, 4, 5, 6])
    #expect(whole.tasks.map(\.ordinal) == [0, 1] && whole.tasks.map(\.token) == [3, 4])
    #expect(whole.outputs.map(\.ordinal) == [2, 3, 4])
    #expect(runs[1].change.planID == Self.other)
  }

  @Test func leavesToItselfWhatDoesNotFollow() {
    let stale = ChangeRun.runs(of: [change(2, lastSeq: 3), change(2, lastSeq: 4)])
    #expect(stale.map(\.storedRevision) == [1, 1])
    let gap = ChangeRun.runs(of: [change(2, lastSeq: 3), change(3, lastSeq: 5)])
    #expect(gap.map(\.storedRevision) == [1, 2])
  }

  @Test func keepsRowsOfTheTraceSmall() {
    let group = (1...10).map { change(Int64($0) + 1, lastSeq: Int64($0) * 100, count: 100) }
    let runs = ChangeRun.runs(of: group)
    #expect(runs.map(\.change.events.count) == [200, 200, 200, 200, 200])
    #expect(runs.map(\.storedRevision) == [1, 3, 5, 7, 9])
  }
}
