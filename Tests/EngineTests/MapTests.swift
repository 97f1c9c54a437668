import Plan
import Testing

@testable import Engine

/// `map:`: one task, run once per element of a list.
struct MapTests {
  @Test("a mapped task is EXPANDED into instances, and ends with the last of them")
  func expands() throws {
    var scene = try Scene("a m<a map b<m")
    #expect(
      scene.play("submit; succeed a; expand m 2; succeed m[1]; succeed m[0]; succeed b") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        succeed a > a running 1/1, a succeeded 1/1 ? m
        expand m 2 > m expanded 2, m[0] dispatched 1/1, m[1] dispatched 1/1 | send m[0], send m[1]
        succeed m[1] > m[1] running 1/1, m[1] succeeded 1/1
        succeed m[0] > m[0] running 1/1, m[0] succeeded 1/1, m succeeded, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, plan_completed | ended
        """)
    let ordinal = try #require(scene.machine.items(of: 1)?.last)
    #expect(scene.machine.key(ordinal).description.hasSuffix("/m/1"))
    #expect(scene.machine.ordinal(of: scene.machine.key(ordinal)) == ordinal)
  }

  @Test("an empty list succeeds at once; a plan without instances has no rows for them")
  func empty() throws {
    var scene = try Scene("m map b<m")
    #expect(
      scene.play("submit; expand m 0") == """
        submit > plan_created, plan_started ? m
        expand m 0 > m expanded 0, m succeeded, b dispatched 1/1 | send b
        """)
    #expect(scene.machine.rows.count == 2)
  }

  @Test("max_parallel: instances begin in order, each when another one ends")
  func bounded() throws {
    var scene = try Scene("m map=2 attempts=2")
    #expect(
      scene.play("submit; expand m 4; fail m[0]; succeed m[1]; wait 1s; succeed m[0]; crash") == """
        submit > plan_created, plan_started ? m
        expand m 4 > m expanded 4, m[0] dispatched 1/1, m[1] dispatched 1/1 | send m[0], send m[1]
        fail m[0] > m[0] running 1/1, m[0] retry_scheduled 1/1 +1000 TRANSIENT TEST
        succeed m[1] > m[1] running 1/1, m[1] succeeded 1/1, m[2] dispatched 1/1 | send m[2]
        wait 1s > m[0] dispatched 2/1 | send m[0]
        succeed m[0] > m[0] running 2/1, m[0] succeeded 2/1, m[3] dispatched 1/1 | send m[3]
        crash > | send m[2] again, send m[3] again
        """)
    #expect(
      scene.play("succeed m[3]; succeed m[2]").hasSuffix(
        "m[2] running 1/1, m[2] succeeded 1/1, m succeeded, plan_completed | ended"))
  }

  @Test(
    "on_failure fail: what has not started is skipped, the rest finishes, the task names the index")
  func fails() throws {
    var scene = try Scene("m map=2 attempts=1 b<m")
    #expect(
      scene.play("submit; expand m 4; fail m[1]; succeed m[0]") == """
        submit > plan_created, plan_started ? m
        expand m 4 > m expanded 4, m[0] dispatched 1/1, m[1] dispatched 1/1 | send m[0], send m[1]
        fail m[1] > m[1] running 1/1, m[1] failed 1/1 TRANSIENT TEST, \
        m[2] skipped PERMANENT INSTANCE_FAILED, m[3] skipped PERMANENT INSTANCE_FAILED
        succeed m[0] > m[0] running 1/1, m[0] succeeded 1/1, m failed TRANSIENT TEST, \
        b skipped PERMANENT UPSTREAM_FAILED, plan_failed | ended
        """)
    #expect(scene.machine.rows[0].error?.message == "instance 1 failed: of the test")
    #expect(
      scene.machine.plan.error?.message == "task \"m\" failed: instance 1 failed: of the test")
  }

  @Test("on_failure continue: its place is null, the others run, and the task succeeds")
  func goesOn() throws {
    var scene = try Scene("m map=1 attempts=1 continue b<m")
    #expect(
      scene.play("submit; expand m 2; fail m[0]; succeed m[1]") == """
        submit > plan_created, plan_started ? m
        expand m 2 > m expanded 2, m[0] dispatched 1/1 | send m[0]
        fail m[0] > m[0] running 1/1, m[0] failed 1/1 TRANSIENT TEST, m[1] dispatched 1/1 | send m[1]
        succeed m[1] > m[1] running 1/1, m[1] succeeded 1/1, m succeeded, b dispatched 1/1 | send b
        """)
  }

  @Test("RetryPlan runs again what failed and what that kept from starting, and keeps the rest")
  func retryPlan() throws {
    for then in ["fail m[1]", "fail m[1]; crash"] {
      var scene = try Scene("m map=1 attempts=1")
      scene.play("submit; expand m 3; succeed m[0]; \(then)")
      #expect(scene.state == "failed m:failed m[0]:succeeded m[1]:failed m[2]:skipped")
      #expect(
        scene.play("retry; succeed m[1]; succeed m[2]") == """
          retry > plan_retried, m expanded 3, m[1] dispatched 2/1 | send m[1]
          succeed m[1] > m[1] running 2/1, m[1] succeeded 2/1, m[2] dispatched 1/1 | send m[2]
          succeed m[2] > m[2] running 1/1, m[2] succeeded 1/1, m succeeded, plan_completed | ended
          """)
    }
  }

  @Test("S7: a cancel ends the task and all its instances")
  func cancels() throws {
    var scene = try Scene("m map=1")
    scene.play("submit; expand m 2")
    #expect(
      scene.play("cancel") == """
        cancel > m cancelled, m[0] cancelled 1/1, m[1] cancelled, plan_cancelled \
        | stop m[0].1 at m1, ended
        """)
  }

  @Test("10,000 instances are skipped in chunks, and a load in between goes on")
  func bulk() throws {
    var scene = try Scene("m map=1 attempts=1", pool: AdapterPool("mock/m1:t*1"))
    scene.play("submit; expand m 10000; fail m[0]")
    #expect(scene.last.hasMore)
    scene.play("crash")
    while scene.last.hasMore { scene.send(.more) }
    #expect(scene.machine.plan.status == .failed)
    #expect(scene.machine.rows.count { $0.status == .skipped } == 9_999)
  }
}
