import Plan
import Testing

@testable import Engine

/// A plan's deadline, and what UpdatePlan changes.
struct DeadlineTests {
  @Test("S5: a passed deadline fences what is open, as cancel does, and fails the plan")
  func passes() throws {
    var scene = try Scene("deadline=10s a b<a c attempts=2 d", pool: AdapterPool("mock/m1:t*2"))
    #expect(
      scene.play("submit; succeed a; wait 9999ms; wait 1ms; succeed b; cancel; wait 1h") == """
        submit > plan_created, plan_started, a dispatched 1/1, c dispatched 1/1 | send a, send c
        succeed a > a running 1/1, a succeeded 1/1, b dispatched 1/1 | send b
        wait 9999ms > nothing
        wait 1ms > b cancelled 1/1, c cancelled 1/1, d cancelled, plan_failed \
        | stop b.1 at m1, stop c.1 at m1, ended
        succeed b > = ALREADY_TERMINAL
        cancel > nothing
        wait 1h > nothing
        """)
    #expect(scene.state == "failed a:succeeded b:cancelled c:cancelled d:cancelled")
    #expect(scene.machine.plan.error?.code == "PLAN_DEADLINE" && scene.pool.inFlight == 0)
  }

  @Test("a deadline passes while paused too; a plan that ends in time is not touched by it")
  func pausedAndEnded() throws {
    var scene = try Scene("deadline=10s a")
    scene.play("submit; pause; wait 10s")
    #expect(scene.state == "failed a:cancelled")
    scene = try Scene("deadline=10s a")
    scene.play("submit; succeed a; wait 1h; deadline")
    #expect(scene.state == "completed a:succeeded")
  }

  @Test("S10: a deadline survives a restart, never early, and never longer than it was")
  func restart() throws {
    var scene = try Scene("deadline=10s a")
    scene.play("submit; wait 4s; crash; deadline; wait 5999ms")
    #expect(scene.state == "running a:dispatched")
    scene.play("wait 1ms")
    #expect(scene.state == "failed a:cancelled")
    scene = try Scene("deadline=10s a close=1h")
    scene.play("submit")
    // The clock was set back while nobody ran.
    scene.now -= 3_600_000
    scene.play("crash; wait 9999ms")
    #expect(scene.state == "running a:dispatched")
    scene.play("wait 1ms")
    #expect(scene.state == "failed a:cancelled")
  }

  @Test("S10: a deadline that is set on a clock behind that of the submission is not early")
  func movedBehind() throws {
    var scene = try Scene("deadline=1h a close=10h")
    scene.play("submit")
    scene.now -= 7_200_000
    scene.play("crash; update deadline=10s; wait 5s; crash; wait 4999ms")
    #expect(scene.state == "running a:dispatched")
    scene.play("wait 1ms")
    #expect(scene.state == "failed a:cancelled")
  }

  @Test("the rows of a big plan follow in pieces, over a restart too")
  func pieces() throws {
    let tasks = (0..<1_200).map { "t\($0)" }.joined(separator: " ")
    var scene = try Scene("deadline=10s \(tasks)")
    scene.play("submit; wait 10s")
    #expect(scene.last.hasMore && scene.machine.plan.finishedAt == nil)
    #expect(scene.machine.status(of: 1_199) == .cancelled)
    scene.play("crash; more; more; more")
    #expect(scene.machine.plan.finishedAt != nil && scene.pool.inFlight == 0)
    #expect(scene.events.filter { $0.kind == .planFailed }.count == 1)
  }

  @Test("RetryPlan of a plan whose deadline passed needs a later one first")
  func retry() throws {
    var scene = try Scene("deadline=10s a b<a")
    scene.play("submit; wait 10s")
    #expect(
      scene.play("retry; update deadline=10s; retry; wait 9s; succeed a; wait 1s") == """
        retry > | ended = DEADLINE_PASSED
        update deadline=10s > plan_updated | ended
        retry > plan_retried, a dispatched 2/1 | send a
        wait 9s > nothing
        succeed a > a running 2/1, a succeeded 2/1, b dispatched 1/1 | send b
        wait 1s > b cancelled 1/1, plan_failed | stop b.1 at m1, ended
        """)
  }

  @Test("UpdatePlan: the deadline moves both ways, and goes")
  func moves() throws {
    var scene = try Scene("deadline=10s a close=1h")
    #expect(
      scene.play("submit; update deadline=20s; wait 15s; update deadline=1s; update at=5; wait 1s")
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        update deadline=20s > plan_updated
        wait 15s > nothing
        update deadline=1s > plan_updated
        update at=5 > = DEADLINE_PASSED
        wait 1s > a cancelled 1/1, plan_failed | stop a.1 at m1, ended
        """)
    scene = try Scene("deadline=10s a close=1h")
    scene.play("submit; update deadline=none; crash; wait 30m")
    #expect(scene.state == "running a:dispatched")
  }

  @Test("UpdatePlan: priority and labels, at the expected revision, and after a restart")
  func fields() throws {
    var scene = try Scene("a")
    let script = """
      submit; update priority=5 label=x:1 revision=1; update priority=5 label=x:1; \
      update label=y:2 remove=x remove=z revision=1; update label=y:2 remove=x revision=2
      """
    #expect(
      scene.play(script.replacing("\n", with: "")) == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        update priority=5 label=x:1 revision=1 > plan_updated
        update priority=5 label=x:1 > nothing
        update label=y:2 remove=x remove=z revision=1 > = REVISION_MISMATCH
        update label=y:2 remove=x revision=2 > plan_updated
        """)
    scene.play("crash")
    let plan = scene.machine.creation.plan
    #expect(plan.priority == 5 && plan.labels == ["y": "2"])
    #expect(
      scene.events.filter { $0.kind == .planUpdated }.map(\.message)
        == ["priority 5, was 0; labels", "labels"])
  }

  @Test("UpdatePlan: labels keep their limit")
  func labelLimit() throws {
    var scene = try Scene("a")
    scene.play("submit")
    var update = PlanUpdate()
    for index in 0..<100 { update.setLabels["l\(index)"] = "x" }
    #expect(scene.send(.update(update)) == "plan_updated")
    update.setLabels["one-more"] = "x"
    #expect(scene.send(.update(update)) == "= TOO_MANY_LABELS")
    update.removeLabels = ["l0"]
    update.setLabels["l0"] = nil
    #expect(scene.send(.update(update)) == "plan_updated")
  }

  @Test("UpdatePlan: what ended for good stays as it is")
  func ended() throws {
    for script in ["submit; succeed a", "submit; cancel"] {
      var scene = try Scene("a")
      scene.play(script)
      #expect(scene.play("update priority=1") == "update priority=1 > | ended = PLAN_ENDED")
    }
    var scene = try Scene("a")
    #expect(scene.play("update priority=1") == "update priority=1 > nothing")
  }

  @Test("a run that says nothing for its heartbeat timeout is tried again; others are left alone")
  func silent() throws {
    var scene = try Scene("a beat=5s b")
    #expect(
      scene.play("submit; silent a; start a; start b; silent b; silent a; succeed a@1") == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1 | send a, send b
        silent a > nothing
        start a > a running 1/1
        start b > b running 1/1
        silent b > nothing
        silent a > a retry_scheduled 1/1 +1000 TIMEOUT HEARTBEAT | stop a.1 at m1
        succeed a@1 > a result_refused 1/1 STALE_LEASE = STALE_LEASE
        """)
  }

  @Test("S11: a run that is withdrawn goes out again as a new delivery and poisons nobody")
  func withdrawn() throws {
    var scene = try Scene("a deliveries=2")
    scene.play("submit; lose a; block m1 1s")
    #expect(
      scene.play("withdraw a; succeed a@1; wait 1s; schedule; lose a") == """
        withdraw a > rows only
        succeed a@1 > a result_refused 1/1 STALE_LEASE = STALE_LEASE
        wait 1s > nothing
        schedule > a redelivered 1/2 TRANSIENT SERVER_STOPPED | send a
        lose a > a poisoned 1/2 PERMANENT POISONED, a failed 1/2 PERMANENT POISONED, plan_failed | ended
        """)
  }
}
