import Plan
import Testing

@testable import Engine

/// Runs that ask for input, and go on with the answer.
struct DialogTests {
  @Test("a run that asks gives its place back and goes on in the same attempt and delivery")
  func askAndGoOn() throws {
    var scene = try Scene("a attempts=3 b", pool: AdapterPool("mock/m1:t*1"))
    #expect(
      scene.play("submit; accept a; ask a; succeed b; wait 30d; approve a; start a; succeed a")
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        accept a > nothing
        ask a > a running 1/1, a waiting_input 1/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1
        wait 30d > nothing
        approve a > a resumed 1/1 | send a
        start a > a running 1/1
        succeed a > a succeeded 1/1, plan_completed | ended
        """)
    let row = scene.machine.rows[0]
    // The hand-out, the question and the hand-out of its answer each have a token.
    #expect(row.token == 3 && row.accepted.map(\.token) == [1, 2, 3] && row.usage.calls == 2)
  }

  @Test("S4: each question has its own token; late and repeated words about it change nothing")
  func tokens() throws {
    var scene = try Scene("a")
    scene.play("submit; accept a; ask a")
    #expect(
      scene.play("ask a@1; ask a@1 other; succeed a@1; succeed a; ask a; start a; lose a; silent a")
        == """
        ask a@1 > = already recorded
        ask a@1 other > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        succeed a@1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        succeed a > = UNKNOWN_TOKEN
        ask a > = UNKNOWN_TOKEN
        start a > nothing
        lose a > nothing
        silent a > nothing
        """)
    #expect(
      scene.play("approve a; approve a; approve a other; succeed a@2; succeed a@1; ask a")
        == """
        approve a > a resumed 1/1 | send a
        approve a > = already recorded
        approve a other > = NOT_WAITING
        succeed a@2 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        succeed a@1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
        ask a > a running 1/1, a waiting_input 1/1
        """)
  }

  @Test("an answer may name its question: the same words do not answer the next one")
  func question() throws {
    var scene = try Scene("a")
    scene.play("submit; ask a; approve a 1; ask a")
    #expect(
      scene.play("approve a 1; approve a 2 other; ask a; approve a 2 other; approve a@2 3")
        == """
        approve a 1 > = already recorded
        approve a 2 other > a resumed 1/1 | send a
        ask a > a running 1/1, a waiting_input 1/1
        approve a 2 other > = already recorded
        approve a@2 3 > = NOT_WAITING
        """)
    #expect(scene.machine.rows[0].question == 3)
  }

  @Test("a rejection fails the task PERMANENT, and ends the run; RetryPlan asks anew")
  func reject() throws {
    var scene = try Scene("a attempts=3")
    #expect(
      scene.play("submit; ask a; decline a; decline a; retry; ask a; approve a; succeed a") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        ask a > a running 1/1, a waiting_input 1/1
        decline a > a failed 1/1 PERMANENT REJECTED, plan_failed | stop a.1 at m1, ended
        decline a > | ended = already recorded
        retry > plan_retried, a dispatched 2/1 | send a
        ask a > a running 2/1, a waiting_input 2/1
        approve a > a resumed 2/1 | send a
        succeed a > a running 2/1, a succeeded 2/1, plan_completed | ended
        """)
  }

  @Test("P1 P2: a resumed run that is lost is handed out again from its beginning")
  func lost() throws {
    var scene = try Scene("a")
    #expect(
      scene.play("submit; accept a; ask a; approve a; crash; lose a; crash; succeed a") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        accept a > nothing
        ask a > a running 1/1, a waiting_input 1/1
        approve a > a resumed 1/1 | send a
        crash > | send a again
        lose a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
        crash > | send a again
        succeed a > a running 1/2, a succeeded 1/2, plan_completed | ended
        """)
    let row = scene.machine.rows[0]
    #expect(!row.resumes && row.question == 1)
  }

  @Test("the instance that keeps the run is waited for while nobody else is there")
  func keeper() throws {
    var scene = try Scene("a", pool: AdapterPool("mock/m1:t*1 mock/m2:t*1"))
    scene.play("submit; accept a; ask a; remove m1; remove m2")
    #expect(
      scene.play("approve a; crash; register mock/m1:t*1") == """
        approve a > rows only
        crash > nothing
        register mock/m1:t*1 > a resumed 1/1 | send a
        """)
    scene.play("ask a; remove m1")
    #expect(
      scene.play("approve a; register mock/m2:t*1") == """
        approve a > rows only
        register mock/m2:t*1 > a redelivered 1/2 TRANSIENT INSTANCE_LOST | send a
        """)
    #expect(scene.machine.rows[0].handle.isEmpty)
  }

  @Test("an answer waits for a place at its instance, whatever others have, and keeps the handle")
  func busy() throws {
    var scene = try Scene("a b", pool: AdapterPool("mock/m1:t*1 mock/m2:t*1"))
    scene.play("submit; accept a; ask a; block m1 10s")
    #expect(
      scene.play("approve a; wait 11s; schedule; refuse a; wait 1s; schedule") == """
        approve a > rows only
        wait 11s > nothing
        schedule > a resumed 1/1 | send a
        refuse a > a resumed 1/1 | send a
        wait 1s > nothing
        schedule > nothing
        """)
    #expect(scene.machine.rows[0].handle == "h1" && scene.machine.rows[0].delivery == 1)
  }

  @Test("S7: a pause holds answers back; a cancel ends what is parked")
  func pauseAndCancel() throws {
    var scene = try Scene("a b")
    scene.play("submit; ask a; ask b")
    #expect(
      scene.play("pause; approve a; crash; resume; ask a; approve a; pause; lose a; cancel") == """
        pause > plan_paused
        approve a > rows only
        crash > nothing
        resume > plan_resumed, a resumed 1/1 | send a
        ask a > a running 1/1, a waiting_input 1/1
        approve a > a resumed 1/1 | send a
        pause > plan_paused
        lose a > rows only
        cancel > a cancelled 1/1, b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
        """)
  }

  @Test("an answer that finds no place in time fails the task with TIMEOUT; it is not retried")
  func scheduleToStart() throws {
    var scene = try Scene("a attempts=3 start=1h", pool: AdapterPool("mock/m1:t*1"))
    scene.play("submit; accept a; ask a; remove m1; approve a")
    #expect(
      scene.play("wait 59m; wait 1m; retry; register mock/m1:t*1") == """
        wait 59m > nothing
        wait 1m > a failed 1/1 TIMEOUT SCHEDULE_TO_START, plan_failed | ended
        retry > plan_retried
        register mock/m1:t*1 > a dispatched 2/1 | send a
        """)
    #expect(scene.machine.rows[0].question == 0)
  }

  @Test("answers poison nobody, however many there are")
  func poison() throws {
    var scene = try Scene("a deliveries=1")
    scene.play("submit")
    for _ in 0..<20 { scene.play("ask a; approve a") }
    #expect(scene.state == "running a:dispatched" && scene.machine.rows[0].delivery == 1)
    // With its only delivery used, the attempt goes on where it is or not at all.
    #expect(
      scene.play("ask a; remove m1; approve a; register mock/m2:t*1; register mock/m1:t*1") == """
        ask a > a running 1/1, a waiting_input 1/1
        remove m1 >\u{20}
        approve a > rows only
        register mock/m2:t*1 > nothing
        register mock/m1:t*1 > a resumed 1/1 | send a
        """)
  }
}
