import Messages
import Testing

@testable import BatonCLI

@Suite struct PlanFollowerTests {
  private func position(after kinds: [String]) -> PlanFollower.Position {
    var position = PlanFollower.Position()
    for (index, kind) in kinds.enumerated() {
      var event = Sample.event(kind)
      event.seq = Int64(index + 1)
      position.pass(event)
    }
    return position
  }

  @Test(arguments: ["plan_completed", "plan_failed", "plan_cancelled"])
  func aPlanThatEndedStaysEndedWhateverFollows(end: String) {
    let before = position(after: ["plan_created", "plan_started"])
    #expect(!before.isEnd)
    #expect(before.nextSeq == 3)
    let after = position(after: ["plan_created", "plan_started", end, "result_refused"])
    #expect(after.isEnd)
    #expect(after.nextSeq == 5)
  }

  @Test func aPlanThatIsRetriedGoesOn() {
    let again = position(after: ["plan_created", "plan_failed", "plan_retried", "task_dispatched"])
    #expect(!again.isEnd && again.nextSeq == 5)
    #expect(position(after: ["plan_failed", "plan_retried", "plan_completed"]).isEnd)
  }
}
