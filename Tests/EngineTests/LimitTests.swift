import Plan
import Testing

@testable import Engine

/// How many tasks are out at one time, and which go first.
struct LimitTests {
  private func out(_ scene: Scene) -> [String] {
    scene.machine.rows.filter(\.status.isOut).map {
      scene.machine.compiled.plan.tasks[$0.ordinal].id
    }
  }

  private let many = (0..<20).map { "t\($0)" }.joined(separator: " ")

  @Test("an instance's own concurrency is never exceeded, and the free ones share the load")
  func instances() throws {
    var scene = try Scene(many, pool: AdapterPool("mock/m1:t*2 mock/m2:t*4 mock/m3:t*0"))
    scene.play("submit")
    #expect(out(scene) == ["t0", "t1", "t2", "t3", "t4", "t5"])
    #expect(["m1", "m2", "m3"].map { scene.pool.load(of: $0) } == [2, 4, 0])
    #expect(scene.play("succeed t1").hasSuffix("t6 dispatched 1/1 | send t6"))
    scene.play("block m2 1h; succeed t2; succeed t3; succeed t4; succeed t5; succeed t0")
    #expect(scene.pool.load(of: "m1") <= 2)
  }

  @Test("load is shared by size: the one with the smallest part taken is next")
  func sharing() throws {
    var scene = try Scene("a b c d e f", pool: AdapterPool("mock/m1:t*1 mock/m2:t*4"))
    var submitted = plan("a b c d e f")
    submitted.maxParallel = 3
    scene = try Scene(submitted, pool: AdapterPool("mock/m1:t*2 mock/m2:t*4"))
    scene.play("submit")
    #expect(scene.machine.rows.map(\.instance) == ["m1", "m2", "m2", "", "", ""])
  }

  @Test("the server's limit, an adapter's limit, the plan's limit")
  func limits() throws {
    var limits = AdapterPool.Limits()
    limits.inFlight = 3
    var scene = try Scene(many, pool: AdapterPool("mock/m1:t*100", limits: limits))
    scene.play("submit")
    #expect(out(scene).count == 3 && scene.pool.inFlight == 3)
    limits.inFlight = 100
    limits.perAdapter["mock"] = 5
    scene = try Scene(many, pool: AdapterPool("mock/m1:t*3 mock/m2:t*100", limits: limits))
    scene.play("submit")
    #expect(out(scene).count == 5)
    scene = try Scene("parallel=4 \(many)")
    scene.play("submit")
    #expect(out(scene).count == 4)
    #expect(scene.play("succeed t2").hasSuffix("t4 dispatched 1/1 | send t4"))
    var defaults = PlanDefaults()
    defaults.maxParallel = 2
    scene = try Scene("parallel=4 \(many)", defaults: defaults)
    scene.play("submit")
    #expect(out(scene).count == 2)
  }

  @Test("a limit that is full does not send tasks to the next adapter of the route")
  func fullIsNotAbsent() throws {
    let routes = AdapterPool.Routes(fallback: ["one", "two"])
    var scene = try Scene("a b", pool: AdapterPool("one/o:t*1 two/w:t*9", routes: routes))
    scene.play("submit")
    #expect(scene.machine.rows.map(\.adapter) == ["one", ""])
    #expect(scene.play("succeed a").hasSuffix("b dispatched 1/1 | send b"))
    #expect(scene.machine.rows[1].adapter == "one")
  }

  @Test("an adapter that is absent, draining or does not serve the type is passed over")
  func nextOfRoute() throws {
    let routes = AdapterPool.Routes(fallback: ["zero", "one", "two"])
    var pool = AdapterPool("one/o:u*1 two/w:t*9", routes: routes)
    var scene = try Scene("a", pool: pool)
    scene.play("submit")
    #expect(scene.machine.rows[0].adapter == "two")
    pool = AdapterPool("one/o:t*1 two/w:t*9", routes: routes)
    pool.drain("o")
    scene = try Scene("a", pool: pool)
    scene.play("submit")
    #expect(scene.machine.rows[0].adapter == "two")
    #expect(pool.serves(type: "t", adapter: nil) && !pool.serves(type: "x", adapter: nil))
    #expect(!pool.serves(type: "t", adapter: "zero"))
  }

  @Test("draining: what is out finishes, nothing new comes")
  func draining() throws {
    var scene = try Scene("a b c", pool: AdapterPool("mock/m1:t*2"))
    scene.play("submit; drain m1; succeed a; schedule")
    #expect(scene.state == "running a:succeeded b:dispatched c:ready")
    #expect(
      scene.play("register mock/m1:t*2") == "register mock/m1:t*2 > c dispatched 1/1 | send c")
  }

  @Test("an instance that registers with fewer places keeps what it has and gets nothing new")
  func shrinking() throws {
    var scene = try Scene("a b c d", pool: AdapterPool("mock/m1:t*3"))
    scene.play("submit; register mock/m1:t*1; succeed a; succeed b")
    #expect(scene.state == "running a:succeeded b:succeeded c:dispatched d:ready")
    #expect(scene.play("succeed c").hasSuffix("d dispatched 1/1 | send d"))
  }

  @Test("higher priorities first, then the order of the plan")
  func priorities() throws {
    var scene = try Scene(
      "a b priority=5 c priority=5 d priority=-1 e", pool: AdapterPool("mock/m1:t*1"))
    var order: [String] = []
    scene.play("submit")
    while let next = out(scene).first {
      order.append(next)
      scene.play("succeed \(next)")
    }
    #expect(order == ["b", "c", "a", "e", "d"])
  }

  @Test("priorities hold between tasks of different types and adapters")
  func prioritiesAcrossLanes() throws {
    var limits = AdapterPool.Limits()
    limits.inFlight = 2
    let pool = AdapterPool(
      "one/o:t,u*9 two/w:t*9", routes: .init(fallback: ["one"]), limits: limits)
    var scene = try Scene("a b type=u c adapter=two priority=1 d priority=2", pool: pool)
    scene.play("submit")
    #expect(out(scene) == ["c", "d"])
  }

  @Test("S14: a type without an adapter stays READY and holds up nobody, until schedule_to_start")
  func lanes() throws {
    var scene = try Scene("x type=none priority=9 start=1h a b<a y type=none start=30m z<x c")
    #expect(
      scene.play("submit; succeed a; succeed b; succeed c; wait 30m; wait 30m") == """
        submit > plan_created, plan_started, a dispatched 1/1, c dispatched 1/1 | send a, send c
        succeed a > a running 1/1, a succeeded 1/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1
        succeed c > c running 1/1, c succeeded 1/1
        wait 30m > y failed TIMEOUT SCHEDULE_TO_START
        wait 30m > x failed TIMEOUT SCHEDULE_TO_START, \
        z skipped PERMANENT UPSTREAM_FAILED, plan_failed | ended
        """)
  }

  @Test("S14: it runs when an adapter comes")
  func adapterComes() throws {
    var scene = try Scene("a b<a", pool: AdapterPool(""))
    scene.play("submit; wait 59m")
    #expect(scene.state == "running a:ready b:pending" && scene.machine.hasReadyTasks)
    #expect(scene.play("register x/x1:t*1").hasSuffix("> nothing"))
    scene.pool = AdapterPool("mock/m1:t*1")
    #expect(scene.play("schedule").hasSuffix("a dispatched 1/1 | send a"))
    #expect(!scene.machine.hasReadyTasks)
  }

  @Test("turns: a plan takes as many places as it is given, and none while others wait")
  func turns() throws {
    var scene = try Scene("a b c d e")
    scene.pool.isContended = true
    scene.play("submit")
    #expect(out(scene) == [])
    scene.play("schedule 2")
    #expect(out(scene) == ["a", "b"])
    scene.play("succeed a")
    #expect(out(scene) == ["b"])
    scene.pool.isContended = false
    scene.play("succeed b")
    #expect(out(scene) == ["c", "d", "e"])
  }

  @Test("two plans share the places, and a machine that is thrown away gives its own back")
  func sharedPool() throws {
    var first = try Scene("a b", pool: AdapterPool("mock/m1:t*3"))
    var second = try Scene("a b")
    first.play("submit")
    second.pool = first.pool
    second.play("submit")
    #expect(out(first).count == 2 && out(second).count == 1 && second.pool.inFlight == 3)
    first.machine.releaseAll(&second.pool)
    #expect(second.pool.inFlight == 1)
    second.play("schedule")
    #expect(out(second).count == 2)
  }

  @Test("places count after a restart before the instance has registered again")
  func placesAfterRestart() throws {
    var scene = try Scene("a b c d", pool: AdapterPool("mock/m1:t*2"))
    scene.play("submit; crash; schedule")
    #expect(out(scene) == ["a", "b"] && scene.pool.load(of: "m1") == 2)
    scene.play("remove m1; crash; register mock/m1:t*2")
    #expect(out(scene) == ["a", "b"])
    #expect(scene.play("succeed a").hasSuffix("c dispatched 1/1 | send c"))
  }

  @Test("a plan that is loaded hands out nothing before the other plans' tasks are counted")
  func loadedTogether() throws {
    var first = try Scene("a b<a", pool: AdapterPool("mock/m1:t*1"))
    var second = try Scene("a")
    first.play("submit")
    second.pool = first.pool
    second.play("submit; crash")
    #expect(second.state == "running a:ready" && second.pool.hasPlace(now: second.now))
    first.pool = second.pool
    first.machine = PlanMachine(stored: first.stored, compiled: first.machine.compiled)
    #expect(first.send(.recovered) == "| send a again")
    second.pool = first.pool
    #expect(second.play("schedule") == "schedule > nothing")
    first.play("remove m1; succeed a")
    second.pool = first.pool
    #expect(second.play("register mock/m1:t*1").hasSuffix("a dispatched 1/1 | send a"))
  }

  @Test("a pool says when there may be places again")
  func openings() {
    var pool = AdapterPool("mock/m1:t*1 mock/m2:t*1")
    #expect(pool.hasPlace(now: 0) && pool.nextUnpause(after: 0) == nil)
    pool.pause("m1", until: 50)
    pool.pause("m1", until: 20)
    pool.pause("m2", until: 30)
    #expect(!pool.hasPlace(now: 29) && pool.hasPlace(now: 30))
    #expect(pool.nextUnpause(after: 0) == 30 && pool.nextUnpause(after: 30) == 50)
    let before = pool.openings
    pool.register(AdapterPool.Instance(text: "mock/m1:t*1"))
    #expect(pool.openings > before && pool.hasPlace(now: 0))
    #expect(pool.instances.map(\.name) == ["m1", "m2"])
  }
}
