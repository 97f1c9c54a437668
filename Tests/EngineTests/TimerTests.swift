import Plan
import Testing

@testable import Engine

/// S10: timers.
struct TimerTests {
  /// Arms of the last decision: generation and due time by task.
  private func armed(_ scene: Scene) -> [Int: Int64] {
    var due: [Int: Int64] = [:]
    for case .arm(let ordinal, _, let dueAt) in scene.last.commands { due[ordinal] = dueAt }
    return due
  }

  @Test("S10: a timer's due time and original delay are in its row")
  func rows() throws {
    var scene = try Scene("a close=5s")
    scene.play("submit")
    #expect(scene.stored.tasks[0].timerDueAt == 1_005_000)
    #expect(scene.stored.tasks[0].timerDelayMilliseconds == 5_000)
    #expect(armed(scene) == [0: 1_005_000])
    scene.play("wait 1s; fail a")
    #expect(scene.stored.tasks[0].timerDueAt == 1_002_000)
    #expect(scene.stored.tasks[0].timerDelayMilliseconds == 1_000)
    scene.play("wait 1s; succeed a")
    #expect(scene.stored.tasks[0].timerDueAt == nil)
    #expect(scene.stored.tasks[0].timerDelayMilliseconds == 0)
  }

  @Test("S10: after a load the rest of a timer is clamp(due - now, 0, delay)")
  func rest() throws {
    for (clock, due): (Int64, Int64) in [
      (0, 5_000), (2_000, 5_000), (5_000, 5_000), (60_000, 60_000), (-60_000, -55_000),
    ] {
      for script in ["submit", "submit; start a", "submit; fail a"] {
        let text = script.contains("fail") ? "a initial=5s" : "a close=5s"
        var scene = try Scene(text)
        scene.play(script)
        scene.now = 1_000_000 + clock
        scene.play("crash")
        #expect(armed(scene) == [0: 1_000_000 + due], "\(script) \(clock)")
      }
    }
  }

  @Test("S10: schedule_to_start runs from the commit that made the task READY, over restarts")
  func scheduleToStart() throws {
    var scene = try Scene(
      "a b<a type=none start=10s c type=none start=20s", defaults: PlanDefaults())
    scene.play("submit; wait 4s; succeed a; wait 3s; crash")
    #expect(armed(scene) == [1: 1_014_000, 2: 1_020_000])
    #expect(
      scene.play("wait 6999ms; wait 1ms") == """
        wait 6999ms > nothing
        wait 1ms > b failed TIMEOUT SCHEDULE_TO_START
        """)
  }

  @Test("schedule_to_start begins anew when the task is READY again, and is not retried")
  func readyAgain() throws {
    var scene = try Scene("a start=10s attempts=5")
    #expect(
      scene.play("submit; remove m1; wait 1m; lose a; wait 9s; crash; wait 999ms; wait 1ms") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        remove m1 >\u{20}
        wait 1m > nothing
        lose a > rows only
        wait 9s > nothing
        crash > nothing
        wait 999ms > nothing
        wait 1ms > a failed 1/1 TIMEOUT SCHEDULE_TO_START, plan_failed | ended
        """)
  }

  @Test("time spent paused does not count against schedule_to_start, over restarts")
  func paused() throws {
    var scene = try Scene("a type=none start=10s b<z start=10s type=none z close=9h")
    scene.play("submit; wait 8s; pause; wait 1h; succeed z; crash; wait 1h; resume")
    #expect(scene.state == "running a:ready b:ready z:succeeded")
    #expect(armed(scene) == [0: scene.now + 10_000, 1: scene.now + 10_000])
    scene.play("wait 4s; crash")
    #expect(armed(scene) == [0: scene.now + 6_000, 1: scene.now + 6_000])
    scene.play("wait 5999ms")
    #expect(scene.state == "running a:ready b:ready z:succeeded")
    scene.play("wait 1ms")
    #expect(scene.state == "failed a:failed b:failed z:succeeded")
  }

  @Test("start_to_close runs on while the plan is paused")
  func closeWhilePaused() throws {
    var scene = try Scene("a close=5s attempts=1")
    scene.play("submit; pause; wait 5s")
    #expect(scene.state == "failed a:failed")
  }

  @Test("every hand-out has the whole start_to_close")
  func everyHandOut() throws {
    var scene = try Scene("a close=5s")
    scene.play("submit; wait 4s; lose a; wait 4s")
    #expect(scene.state == "running a:dispatched")
    #expect(scene.play("wait 1s").contains("retry_scheduled 1/2 +1000 TIMEOUT START_TO_CLOSE"))
  }

  @Test("P12: the change that closes the token comes with the command to stop the run")
  func timeoutIsCommitted() throws {
    var scene = try Scene("a close=5s")
    scene.play("submit; wait 5s")
    #expect(scene.last.change?.tasks.map(\.tokenClosed) == [true])
    #expect(scene.last.change?.events.map(\.kind) == [.taskRetryScheduled])
    #expect(scene.pool.inFlight == 0)
  }

  @Test("a timer that was armed earlier does nothing")
  func staleGenerations() throws {
    var scene = try Scene("a close=5s attempts=2 initial=1s")
    scene.play("submit")
    let old = scene.machine.timerGenerations[0]
    scene.play("lose a")
    scene.now += 60_000
    #expect(scene.send(.timer(ordinal: 0, generation: old)) == "nothing")
    #expect(scene.send(.timer(ordinal: 9, generation: 0)) == "nothing")
    #expect(scene.send(.timer(ordinal: -1, generation: 0)) == "nothing")
  }

  @Test("S10: a timer of a machine that was thrown away ends nothing early in the next one")
  func formerMachine() throws {
    var scene = try Scene("a start=10s close=1h", pool: AdapterPool(""))
    scene.play("submit")
    guard case .arm(let ordinal, let generation, _)? = scene.last.commands.first else {
      Issue.record("nothing is armed")
      return
    }
    // The commit of the hand-out is known, the machine was made anew: its first timer has the same
    // number as the one that is still armed from before.
    scene.pool = AdapterPool("mock/m1:t*1")
    scene.play("schedule; crash")
    #expect(scene.machine.timerGenerations[0] == generation)
    scene.now += 10_000
    #expect(scene.send(.timer(ordinal: ordinal, generation: generation)) == "nothing")
    #expect(scene.state == "running a:dispatched")
  }
}
