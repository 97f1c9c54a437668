import Plan
import Testing

@testable import Engine

/// FAILED -> RUNNING by RetryPlan.
struct RetryPlanTests {
  @Test("RetryPlan: what failed and what it blocked runs again, finished work is kept")
  func again() throws {
    var scene = try Scene("a b<a c<b x y<x")
    scene.play("submit; succeed x; succeed y; fail a PERMANENT")
    #expect(
      scene.play("retry; retry; succeed a; succeed b; succeed c") == """
        retry > plan_retried, a dispatched 2/1 | send a
        retry > nothing
        succeed a > a running 2/1, a succeeded 2/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, c dispatched 1/1 | send c
        succeed c > c running 1/1, c succeeded 1/1, plan_completed | ended
        """)
    #expect(scene.machine.plan.error == nil && scene.machine.plan.finishedAt == scene.now)
    #expect(scene.machine.rows.allSatisfy { $0.error == nil })
  }

  @Test("RetryPlan: a fresh allowance of attempts and delays, attempt numbers and tokens go on")
  func allowance() throws {
    var scene = try Scene("a attempts=2")
    scene.play("submit; fail a; wait 1s; fail a")
    #expect(
      scene.play("retry; fail a; wait 1s; fail a; retry; succeed a@1; succeed a") == """
        retry > plan_retried, a dispatched 3/1 | send a
        fail a > a running 3/1, a retry_scheduled 3/1 +1000 TRANSIENT TEST
        wait 1s > a dispatched 4/1 | send a
        fail a > a running 4/1, a failed 4/1 TRANSIENT TEST, plan_failed | ended
        retry > plan_retried, a dispatched 5/1 | send a
        succeed a@1 > a result_refused 5/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        succeed a > a running 5/1, a succeeded 5/1, plan_completed | ended
        """)
    #expect(scene.machine.rows[0].token == 5)
    #expect(scene.events.map(\.seq) == Array(1...Int64(scene.events.count)))
  }

  @Test("RetryPlan: a failure that the plan went on with stays as it is")
  func continued() throws {
    var scene = try Scene("a continue b<a c d<c")
    scene.play("submit; fail a PERMANENT; succeed b; fail c PERMANENT")
    #expect(scene.state == "failed a:failed b:succeeded c:failed d:skipped")
    scene.play("retry; succeed c; succeed d")
    #expect(scene.state == "completed a:failed b:succeeded c:succeeded d:succeeded")
  }

  @Test("RetryPlan: a task that was never handed out waits for all of schedule_to_start again")
  func neverHandedOut() throws {
    var scene = try Scene("a type=none start=10s b<a")
    scene.play("submit; wait 10s")
    #expect(scene.state == "failed a:failed b:skipped")
    scene.play("wait 1h; retry; wait 9s; crash; wait 999ms")
    #expect(scene.state == "running a:ready b:pending")
    scene.play("wait 1ms")
    #expect(scene.state == "failed a:failed b:skipped")
  }

  @Test("RetryPlan: a plan that ended well or was cancelled stays so, one that runs is left alone")
  func others() throws {
    for (script, answer) in [
      ("submit; succeed a", "retry > | ended = NOT_FAILED"),
      ("submit; cancel", "retry > | ended = NOT_FAILED"), ("submit", "retry > nothing"),
      ("submit; pause", "retry > nothing"), ("", "retry > nothing"),
    ] {
      var scene = try Scene("a")
      scene.play(script)
      let state = scene.state
      #expect(scene.play("retry") == answer)
      #expect(scene.state == state)
    }
  }

  @Test("RetryPlan: a poisoned task gets fresh deliveries; its last output's fault is told")
  func poisonedAndFeedback() throws {
    var scene = try Scene("a deliveries=1")
    scene.play("submit; lose a; retry")
    #expect(scene.machine.rows[0].attempt == 2 && scene.machine.rows[0].delivery == 1)
    scene = try Scene("a attempts=1")
    scene.play("submit; fail a INVALID_OUTPUT; retry")
    #expect(scene.machine.rows[0].error?.errorClass == .invalidOutput)
  }

  @Test("a result that comes after its run was lost does not begin the run again")
  func runningOnce() throws {
    var scene = try Scene("a")
    #expect(
      scene.play("submit; start a; block m1 1h; lose a; crash; succeed a") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        start a > a running 1/1
        block m1 1h >\u{20}
        lose a > rows only
        crash > nothing
        succeed a > a succeeded 1/1, plan_completed | ended
        """)
  }

  @Test("why a hand-out came to nothing is told by the next one, after a restart too")
  func lossReason() throws {
    var scene = try Scene("a attempts=2")
    scene.play("submit; block m1 1s; lose a; crash; wait 1s")
    #expect(scene.play("schedule") == "schedule > a redelivered 1/2 TRANSIENT RUN_LOST | send a")
    // What was wrong with the output of the attempt before must reach every delivery.
    scene = try Scene("a attempts=2")
    scene.play("submit; fail a INVALID_OUTPUT; wait 1s; lose a")
    #expect(scene.machine.rows[0].delivery == 2)
    #expect(scene.machine.rows[0].error?.errorClass == .invalidOutput)
  }
}
