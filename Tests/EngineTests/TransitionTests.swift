import Plan
import Testing

@testable import Engine

/// Plans that are played from beginning to end, as transcripts.
struct TransitionTests {
  @Test("a chain runs, each task with the commit of the one before")
  func chain() throws {
    var scene = try Scene("a b<a c<b")
    #expect(
      scene.play("submit; accept a; start a; succeed a; succeed b; start c; succeed c") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        accept a > nothing
        start a > a running 1/1
        succeed a > a succeeded 1/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, c dispatched 1/1 | send c
        start c > c running 1/1
        succeed c > c succeeded 1/1, plan_completed | ended
        """)
    #expect(scene.state == "completed a:succeeded b:succeeded c:succeeded")
    #expect(scene.machine.plan.usage.calls == 3 && scene.machine.plan.outputBytes == 24)
  }

  @Test("a diamond joins when both sides have ended")
  func diamond() throws {
    var scene = try Scene("a b<a c<a d<b,c")
    #expect(
      scene.play("submit; succeed a; succeed c; succeed b; succeed d") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        succeed a > a running 1/1, a succeeded 1/1, b dispatched 1/1, c dispatched 1/1 | send b, send c
        succeed c > c running 1/1, c succeeded 1/1
        succeed b > b running 1/1, b succeeded 1/1, d dispatched 1/1 | send d
        succeed d > d running 1/1, d succeeded 1/1, plan_completed | ended
        """)
  }

  @Test("S5: a failed attempt is tried again after its delay, under a new token")
  func retry() throws {
    var scene = try Scene("a attempts=3")
    #expect(
      scene.play(
        "submit; fail a TRANSIENT; wait 999ms; wait 1ms; fail a TIMEOUT; wait 2s; fail a TRANSIENT")
          == """
          submit > plan_created, plan_started, a dispatched 1/1 | send a
          fail a TRANSIENT > a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT TEST
          wait 999ms > nothing
          wait 1ms > a dispatched 2/1 | send a
          fail a TIMEOUT > a running 2/1, a retry_scheduled 2/1 +2000 TIMEOUT TEST
          wait 2s > a dispatched 3/1 | send a
          fail a TRANSIENT > a running 3/1, a failed 3/1 TRANSIENT TEST, plan_failed | ended
          """)
    #expect(scene.machine.rows[0].token == 3)
    #expect(scene.machine.rows[0].accepted.map(\.token) == [1, 2, 3])
    #expect(scene.machine.plan.error?.code == "TEST")
  }

  @Test(
    "S5: which failures are tried again",
    arguments: [
      ("TRANSIENT", true), ("RATE_LIMITED", true), ("TIMEOUT", true), ("INVALID_OUTPUT", true),
      ("PERMANENT", false), ("UNSUPPORTED", false), ("CANCELLED", false),
    ])
  func classes(_ name: String, isRetried: Bool) throws {
    for step in ["fail a \(name)", "reject a \(name)"] {
      var scene = try Scene("a")
      scene.play("submit; \(step)")
      #expect(scene.state == (isRetried ? "running a:waiting_retry" : "failed a:failed"))
    }
  }

  @Test("S5: a failure without an error is TRANSIENT UNKNOWN")
  func unknown() throws {
    var scene = try Scene("a")
    #expect(
      scene.play("submit; fail a unknown").hasSuffix(
        "a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT UNKNOWN"))
  }

  @Test("S5: a CANCELLED that nobody asked for fails at once, whatever its error's class")
  func cancelledByAdapter() throws {
    for step in ["stop a", "stop a CANCELLED", "stop a TRANSIENT"] {
      var scene = try Scene("a b<a")
      scene.play("submit; \(step)")
      #expect(scene.state == "failed a:failed b:skipped", "\(step)")
      #expect(scene.machine.rows[0].error?.errorClass == .cancelled)
    }
  }

  @Test("S5: the adapter's retry_after overrides the delay, within max")
  func retryAfter() throws {
    var scene = try Scene("a b")
    #expect(
      scene.play("submit; fail a RATE_LIMITED 7s; fail b RATE_LIMITED 2h") == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1 | send a, send b
        fail a RATE_LIMITED 7s > a running 1/1, a retry_scheduled 1/1 +7000 RATE_LIMITED TEST
        fail b RATE_LIMITED 2h > b running 1/1, b retry_scheduled 1/1 +60000 RATE_LIMITED TEST
        """)
  }

  @Test("S5: the jitter comes from the entropy given, and stays in its bounds")
  func jitter() throws {
    var delays: Set<Int64> = []
    for seed in 0..<200 as Range<UInt64> {
      var submitted = plan("a")
      submitted.tasks[0].retry.jitter = 0.2
      var scene = try Scene(submitted)
      scene.entropy = Entropy(seed: seed)
      scene.play("submit; fail a")
      delays.insert(scene.events.last?.delayMilliseconds ?? 0)
    }
    #expect(delays.count > 100)
    #expect(delays.min() ?? 0 >= 800 && delays.max() ?? 0 <= 1_200)
    #expect(delays.min() ?? 0 < 830 && delays.max() ?? 0 > 1_170)
  }

  @Test("S6: on_failure fail: descendants are skipped, independent branches finish, the plan fails")
  func failure() throws {
    var scene = try Scene("a b<a c<b x y<x d<c,y")
    #expect(
      scene.play("submit; fail a PERMANENT; succeed x; succeed y") == """
        submit > plan_created, plan_started, a dispatched 1/1, x dispatched 1/1 | send a, send x
        fail a PERMANENT > a running 1/1, a failed 1/1 PERMANENT TEST, \
        b skipped PERMANENT UPSTREAM_FAILED, c skipped PERMANENT UPSTREAM_FAILED, \
        d skipped PERMANENT UPSTREAM_FAILED
        succeed x > x running 1/1, x succeeded 1/1, y dispatched 1/1 | send y
        succeed y > y running 1/1, y succeeded 1/1, plan_failed | ended
        """)
    #expect(scene.state == "failed a:failed b:skipped c:skipped x:succeeded y:succeeded d:skipped")
    #expect(
      scene.events.filter { $0.kind == .taskSkipped }.map(\.message) == [
        #"not run: task "a" failed"#, #"not run: task "b" was skipped"#,
        #"not run: task "c" was skipped"#,
      ])
    #expect(scene.machine.plan.error?.message == #"task "a" failed: of the test"#)
  }

  @Test("S6: on_failure continue: dependents run, and it does not fail the plan")
  func continueOnFailure() throws {
    var scene = try Scene("a continue b<a")
    #expect(
      scene.play("submit; fail a PERMANENT; succeed b") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        fail a PERMANENT > a running 1/1, a failed 1/1 PERMANENT TEST, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, plan_completed | ended
        """)
    #expect(scene.state == "completed a:failed b:succeeded")
  }

  @Test("S6: a skipped task that says continue is skipped all the same, with what follows from it")
  func skippedContinue() throws {
    var scene = try Scene("a b<a continue c<b")
    scene.play("submit; fail a PERMANENT")
    #expect(scene.state == "failed a:failed b:skipped c:skipped")
  }

  @Test("S7: pause keeps hand-outs back, takes results of tasks in flight, and resume goes on")
  func pause() throws {
    var scene = try Scene("a b<a c")
    #expect(
      scene.play(
        "submit; pause; pause; succeed a; fail c TRANSIENT; wait 1h; schedule; resume; resume")
          == """
          submit > plan_created, plan_started, a dispatched 1/1, c dispatched 1/1 | send a, send c
          pause > plan_paused
          pause > nothing
          succeed a > a running 1/1, a succeeded 1/1
          fail c TRANSIENT > c running 1/1, c retry_scheduled 1/1 +1000 TRANSIENT TEST
          wait 1h > rows only
          schedule > nothing
          resume > plan_resumed, b dispatched 1/1, c dispatched 2/1 | send b, send c
          resume > nothing
          """)
  }

  @Test("S7: the last result while PAUSED ends the plan")
  func endsWhilePaused() throws {
    var scene = try Scene("a")
    #expect(
      scene.play("submit; pause; succeed a; resume; cancel") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        pause > plan_paused
        succeed a > a running 1/1, a succeeded 1/1, plan_completed | ended
        resume > nothing
        cancel > nothing
        """)
    #expect(scene.state == "completed a:succeeded")
  }

  @Test("S7: cancel fences every open task and names what is to be stopped")
  func cancel() throws {
    var scene = try Scene("a b<a c d attempts=2 e", pool: AdapterPool("mock/m1:t*3"))
    scene.play("submit; start a; fail d")
    #expect(scene.state == "running a:running b:pending c:dispatched d:waiting_retry e:dispatched")
    #expect(
      scene.play("cancel; cancel; succeed a; lose c; wait 2h; resume; schedule; crash") == """
        cancel > a cancelled 1/1, b cancelled, c cancelled 1/1, d cancelled 1/1, e cancelled 1/1, \
        plan_cancelled | stop a.1 at m1, stop c.1 at m1, stop e.1 at m1, ended
        cancel > nothing
        succeed a > = ALREADY_TERMINAL
        lose c > nothing
        wait 2h > nothing
        resume > nothing
        schedule > nothing
        crash > nothing
        """)
    #expect(scene.pool.inFlight == 0)
    #expect(scene.stored.tasks.map(\.tokenClosed) == Array(repeating: true, count: 5))
  }

  @Test("S7: a PAUSED plan may be cancelled")
  func cancelWhilePaused() throws {
    var scene = try Scene("a b<a")
    scene.play("submit; pause; cancel")
    #expect(scene.state == "cancelled a:cancelled b:cancelled")
  }

  @Test("S7: a result that committed first wins")
  func resultBeforeCancel() throws {
    var scene = try Scene("a")
    scene.play("submit; succeed a; cancel")
    #expect(scene.state == "completed a:succeeded")
  }

  @Test("an event that comes for a task or plan of another time does nothing")
  func strangers() throws {
    var scene = try Scene("a")
    #expect(
      scene.play("accept a; schedule; submit; submit; accept #7; lose #-1; start #1; succeed #7")
        == """
        accept a > nothing
        schedule > nothing
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        submit > nothing
        accept #7 > nothing
        lose #-1 > nothing
        start #1 > nothing
        succeed #7 > = UNKNOWN_TASK
        """)
  }
}
