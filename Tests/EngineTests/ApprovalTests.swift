import Plan
import Testing

@testable import Engine

/// Tasks that wait for a person.
struct ApprovalTests {
  @Test("an approval asks as soon as it is ready, needs no place, and its value is its output")
  func approve() throws {
    var scene = try Scene("a ok<a type=approval b<ok", pool: AdapterPool("mock/m1:t*1"))
    #expect(
      scene.play(
        "submit; approve ok; succeed a; wait 30d; approve ok; approve ok; approve ok other")
          == """
          submit > plan_created, plan_started, a dispatched 1/1 | send a
          approve ok > = NOT_WAITING
          succeed a > a running 1/1, a succeeded 1/1, ok waiting_input 1/1 | ask ok
          wait 30d > nothing
          approve ok > ok succeeded 1/1, b dispatched 1/1 | send b
          approve ok > = already recorded
          approve ok other > = NOT_WAITING
          """)
    #expect(scene.machine.rows[1].outputBytes == 8 && scene.pool.inFlight == 1)
  }

  @Test("a rejection fails the task for good; RetryPlan asks again")
  func decline() throws {
    var scene = try Scene("ok type=approval attempts=3 b<ok")
    #expect(
      scene.play("submit; decline ok; decline ok; retry; approve ok@1; decline ok@1; approve ok@2")
        == """
        submit > plan_created, plan_started, ok waiting_input 1/1 | ask ok
        decline ok > ok failed 1/1 PERMANENT REJECTED, b skipped PERMANENT UPSTREAM_FAILED, \
        plan_failed | ended
        decline ok > | ended = already recorded
        retry > plan_retried, ok waiting_input 2/1 | ask ok
        approve ok@1 > = NOT_WAITING
        decline ok@1 > = already recorded
        approve ok@2 > ok succeeded 2/1, b dispatched 1/1 | send b
        """)
  }

  @Test("only a start_to_close of the task itself limits how long it waits; not retried")
  func timeout() throws {
    var scene = try Scene("ok type=approval attempts=3 close=1h")
    #expect(
      scene.play("submit; wait 30m; crash; wait 29m; wait 1m") == """
        submit > plan_created, plan_started, ok waiting_input 1/1 | ask ok
        wait 30m > nothing
        crash > | ask ok
        wait 29m > nothing
        wait 1m > ok failed 1/1 TIMEOUT INPUT_TIMEOUT, plan_failed | ended
        """)
  }

  @Test("S7: an approval takes its answer while paused, asks only after resume, ends with cancel")
  func pauseAndCancel() throws {
    var scene = try Scene("ok type=approval two<ok type=approval b<two")
    #expect(
      scene.play("submit; pause; approve ok; crash; wait 2h; resume; cancel; approve two") == """
        submit > plan_created, plan_started, ok waiting_input 1/1 | ask ok
        pause > plan_paused
        approve ok > ok succeeded 1/1
        crash > nothing
        wait 2h > nothing
        resume > plan_resumed, two waiting_input 1/1 | ask two
        cancel > two cancelled 1/1, b cancelled, plan_cancelled | ended
        approve two > | ended = NOT_WAITING
        """)
  }

  @Test("S4: no adapter settles an approval, and what cannot be asked fails")
  func strangers() throws {
    var scene = try Scene("ok type=approval b")
    #expect(
      scene.play("submit; succeed ok; lose ok; start ok; refuse ok; reject ok PERMANENT; approve b")
        == """
        submit > plan_created, plan_started, ok waiting_input 1/1, b dispatched 1/1 | ask ok, send b
        succeed ok > = UNKNOWN_TOKEN
        lose ok > nothing
        start ok > nothing
        refuse ok > nothing
        reject ok PERMANENT > ok failed 1/1 PERMANENT TEST
        approve b > = NOT_WAITING
        """)
  }
}
