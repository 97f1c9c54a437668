import Plan
import Testing

@testable import Engine

/// S4: what is answered to a result, token first.
struct ResultTests {
  @Test("S4: current token and nothing accepted: the first one wins")
  func firstWins() throws {
    var scene = try Scene("a b")
    #expect(
      scene.play("submit; succeed a; succeed a; succeed a other; fail a TRANSIENT; succeed a")
        == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1 | send a, send b
        succeed a > a running 1/1, a succeeded 1/1
        succeed a > = already recorded
        succeed a other > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        fail a TRANSIENT > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        succeed a > = already recorded
        """)
    #expect(scene.state == "running a:succeeded b:dispatched")
  }

  @Test("S4: the result of an earlier attempt that was accepted stays recorded")
  func earlierAttempt() throws {
    var scene = try Scene("a")
    #expect(
      scene.play(
        "submit; fail a; wait 1s; fail a@1.1; succeed a@1.1; succeed a; fail a@1.1; succeed a@1.1")
          == """
          submit > plan_created, plan_started, a dispatched 1/1 | send a
          fail a > a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT TEST
          wait 1s > a dispatched 2/1 | send a
          fail a@1.1 > = already recorded
          succeed a@1.1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
          succeed a > a running 2/1, a succeeded 2/1, plan_completed | ended
          fail a@1.1 > = already recorded
          succeed a@1.1 > = CONFLICTING_RESULT
          """)
  }

  @Test("S4: any other older token is STALE_LEASE")
  func olderToken() throws {
    var scene = try Scene("a b")
    #expect(
      scene.play("submit; lose a; succeed a@1.1; succeed a; succeed a@1.1") == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1 | send a, send b
        lose a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
        succeed a@1.1 > a result_refused 1/2 STALE_LEASE = STALE_LEASE
        succeed a > a running 1/2, a succeeded 1/2
        succeed a@1.1 > a result_refused 1/2 STALE_LEASE = STALE_LEASE
        """)
  }

  @Test(
    "S4: a token that a committed timeout closed is STALE_LEASE, and the attempt is not lost twice")
  func closedToken() throws {
    var scene = try Scene("a close=5s attempts=2")
    #expect(
      scene.play("submit; start a; wait 5s; succeed a; wait 1s; succeed a@1.1; wait 5s; succeed a")
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        start a > a running 1/1
        wait 5s > a retry_scheduled 1/1 +1000 TIMEOUT START_TO_CLOSE | stop a.1 at m1
        succeed a > a result_refused 1/1 STALE_LEASE = STALE_LEASE
        wait 1s > a dispatched 2/1 | send a
        succeed a@1.1 > a result_refused 1/1 STALE_LEASE = STALE_LEASE
        wait 5s > a failed 2/1 TIMEOUT START_TO_CLOSE, plan_failed | stop a.2 at m1, ended
        succeed a > = ALREADY_TERMINAL
        """)
  }

  @Test("S4: a task that ended without an accepted result is ALREADY_TERMINAL")
  func terminal() throws {
    for (text, script): (String, String) in [
      ("a", "submit; cancel"),
      ("a deliveries=1", "submit; lose a"),
      ("a", "submit; reject a PERMANENT"),
      ("a close=1s attempts=1", "submit; wait 1s"),
      ("a close=1s attempts=2", "submit; fail a; wait 1s; wait 1s"),
    ] {
      var scene = try Scene(text)
      scene.play(script)
      #expect(scene.machine.plan.status.isFinal)
      scene.play("succeed a")
      #expect(scene.last.answer == .refused(.alreadyTerminal), "\(script)")
      #expect(scene.last.change == nil, "the record of an ended plan is closed")
    }
  }

  @Test("S4: newer than current is refused and leaves no trace")
  func newerToken() throws {
    var scene = try Scene("z a<z b")
    #expect(
      scene.play(
        "submit; succeed z@1.2; succeed z@2.1; succeed a@1.1; succeed z@1.0; succeed z@1.-1")
          == """
          submit > plan_created, plan_started, z dispatched 1/1, b dispatched 1/1 | send z, send b
          succeed z@1.2 > = UNKNOWN_TOKEN
          succeed z@2.1 > = UNKNOWN_TOKEN
          succeed a@1.1 > = UNKNOWN_TOKEN
          succeed z@1.0 > = UNKNOWN_TOKEN
          succeed z@1.-1 > = UNKNOWN_TOKEN
          """)
    #expect(scene.last.change == nil)
  }

  @Test("S4: elapsed time alone closes no token: a late result is taken while nothing new is out")
  func lateResult() throws {
    var scene = try Scene("a b<a")
    scene.play("submit; block m1 1h; lose a")
    #expect(scene.state == "running a:ready b:pending")
    #expect(scene.play("succeed a") == "succeed a > a running 1/1, a succeeded 1/1")
    scene = try Scene("a")
    scene.play("submit; block m1 1h; refuse a")
    #expect(scene.play("succeed a").hasSuffix("plan_completed | ended"))
    #expect(scene.pool.inFlight == 0)
  }

  @Test("usage and output bytes count what was accepted, and nothing else")
  func totals() throws {
    var scene = try Scene("a b")
    scene.play("submit; fail a; fail a; succeed a; wait 1s; succeed a; succeed a; succeed a other")
    #expect(scene.machine.plan.usage.calls == 2 && scene.machine.plan.usage.inputTokens == 20)
    #expect(scene.machine.rows[0].usage == scene.machine.plan.usage)
    #expect(scene.machine.plan.outputBytes == 8 && scene.machine.rows[0].outputBytes == 8)
  }

  @Test("section 5: outputs of a plan over 64 MiB settle the task PERMANENT OUTPUT_TOO_LARGE")
  func outputLimit() throws {
    var scene = try Scene("a b c")
    scene.play("submit")
    func succeed(_ ordinal: Int, _ bytes: Int64) -> PlanEvent {
      .result(
        TaskLease(ordinal: ordinal, attempt: 1, token: 1),
        ResultSummary(outcome: .succeeded, digest: digest(1), outputBytes: bytes))
    }
    scene.send(succeed(0, 64 << 20))
    #expect(scene.last.storesOutput)
    #expect(scene.send(succeed(1, 1)) == "b running 1/1, b failed 1/1 PERMANENT OUTPUT_TOO_LARGE")
    #expect(!scene.last.storesOutput)
    scene.send(succeed(2, 0))
    #expect(scene.state == "failed a:succeeded b:failed c:succeeded")
  }
}
