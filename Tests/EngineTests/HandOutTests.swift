import Plan
import Testing

@testable import Engine

/// The hand-out and what may happen on the way (S3, P1, P6, P12).
struct HandOutTests {
  @Test("S3: attempt, delivery and token are in the change that orders the hand-out")
  func recordBeforeSend() throws {
    var scene = try Scene("a")
    scene.play("submit")
    let row = try #require(scene.last.change?.tasks.first)
    #expect(row.attempt == 1 && row.delivery == 1 && row.token == 1 && row.status == .dispatched)
    #expect(row.adapter == "mock" && row.instance == "m1" && row.timerDueAt == 1_600_000)
    #expect(scene.last.change?.created != nil && scene.last.change?.plan.revision == 1)
  }

  @Test("S3: a handle is committed before the first poll, and rides along otherwise")
  func handles() throws {
    var scene = try Scene("a b")
    #expect(
      scene.play("submit; poll a; accept b; start b").hasSuffix(
        "poll a > rows only\naccept b > nothing\nstart b > b running 1/1"))
    #expect(scene.stored.tasks.map(\.handle) == ["h1", "h1"])
    scene.play("lose a")
    #expect(scene.machine.rows[0].handle.isEmpty && scene.stored.tasks[0].handleAnswered == 0)
  }

  @Test("a refused hand-out counts neither as attempt nor as delivery")
  func refused() throws {
    var scene = try Scene("a deliveries=1")
    #expect(
      scene.play(
        "submit; block m1 5s; refuse a; schedule; wait 5s; schedule; refuse a@1.1; start a; refuse a"
      )
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        block m1 5s >\u{20}
        refuse a > rows only
        schedule > nothing
        wait 5s > nothing
        schedule > a dispatched 1/1 | send a
        refuse a@1.1 > nothing
        start a > a running 1/1
        refuse a > nothing
        """)
    #expect(scene.machine.rows[0].token == 2)
  }

  @Test("a refused hand-out may go to another instance at once")
  func refusedElsewhere() throws {
    var scene = try Scene("a", pool: AdapterPool("mock/m1:t*1 mock/m2:t*1"))
    #expect(scene.play("submit; block m1 1h; refuse a").hasSuffix("a dispatched 1/1 | send a"))
    #expect(scene.machine.rows[0].instance == "m2")
    #expect(scene.pool.load(of: "m1") == 0 && scene.pool.load(of: "m2") == 1)
  }

  @Test("P1: a lost run is another delivery of the same attempt, under a new token")
  func lost() throws {
    var scene = try Scene("a deliveries=3")
    #expect(
      scene.play("submit; start a; lose a; lose a@1.1; accept a@1.1; start a@1.1; lose a; lose a")
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        start a > a running 1/1
        lose a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
        lose a@1.1 > nothing
        accept a@1.1 > nothing
        start a@1.1 > nothing
        lose a > a redelivered 1/3 TRANSIENT RUN_LOST | send a
        lose a > a poisoned 1/3 PERMANENT POISONED, a failed 1/3 PERMANENT POISONED, plan_failed | ended
        """)
  }

  @Test("deliveries count anew with every attempt")
  func deliveriesPerAttempt() throws {
    var scene = try Scene("a deliveries=2")
    #expect(
      scene.play("submit; lose a; fail a; wait 1s; lose a").hasSuffix(
        """
        fail a > a running 1/2, a retry_scheduled 1/2 +1000 TRANSIENT TEST
        wait 1s > a dispatched 2/1 | send a
        lose a > a redelivered 2/2 TRANSIENT RUN_LOST | send a
        """))
    #expect(scene.machine.rows[0].token == 4)
  }

  @Test("P1: after a restart the same record is sent again")
  func sameRecordAgain() throws {
    var scene = try Scene("a b<a")
    scene.play("submit; poll a")
    let before = scene.machine.rows[0]
    #expect(scene.play("crash") == "crash > | send a again")
    #expect(scene.machine.rows[0] == before && scene.last.change == nil)
    #expect(scene.play("succeed a").hasSuffix("a succeeded 1/1, b dispatched 1/1 | send b"))
  }

  @Test("a rejected hand-out settles the attempt")
  func rejected() throws {
    var scene = try Scene("a b<a")
    #expect(
      scene.play("submit; reject a@9 PERMANENT; reject a UNSUPPORTED; succeed a").hasSuffix(
        """
        reject a@9 PERMANENT > nothing
        reject a UNSUPPORTED > a failed 1/1 UNSUPPORTED TEST, \
        b skipped PERMANENT UPSTREAM_FAILED, plan_failed | ended
        succeed a > = ALREADY_TERMINAL
        """))
  }

  @Test("the trace says when a task goes on with another adapter")
  func switched() throws {
    let routes = AdapterPool.Routes(fallback: ["one", "two"])
    var scene = try Scene("a", pool: AdapterPool("one/o:t*1 two/w:t*1", routes: routes))
    scene.play("submit")
    #expect(scene.machine.rows[0].adapter == "one")
    #expect(
      scene.play("remove o; lose a")
        == "remove o > \nlose a > a adapter_switched 1/2, a redelivered 1/2 TRANSIENT RUN_LOST | send a"
    )
    #expect(scene.events.suffix(2).map(\.message) == ["was with one", "lost"])
    #expect(scene.machine.rows[0].adapter == "two")
  }

  @Test("routing: the task's adapter, the plan's, the type's route, the default")
  func routing() throws {
    let routes = AdapterPool.Routes(byType: ["u": ["typed"]], fallback: ["other"])
    let instances = "named/n:t,u*9 planned/p:t,u*9 typed/y:t,u*9 other/o:t,u*9"
    func adapters(planned: Bool) throws -> [String] {
      var submitted = plan("a adapter=named type=u b type=u c")
      if planned { submitted.adapter = "planned" }
      var scene = try Scene(submitted, pool: AdapterPool(instances, routes: routes))
      scene.play("submit")
      return scene.machine.rows.map(\.adapter)
    }
    #expect(try adapters(planned: false) == ["named", "typed", "other"])
    #expect(try adapters(planned: true) == ["named", "planned", "planned"])
  }
}
