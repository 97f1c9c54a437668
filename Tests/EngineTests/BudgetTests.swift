import Plan
import Testing

@testable import Engine

/// What a plan may use.
struct BudgetTests {
  @Test("S15: at the token limit nothing more is handed out; what runs may end; raised, it goes on")
  func tokens() throws {
    var scene = try Scene("parallel=2 tokens=15 a b c d", pool: AdapterPool("mock/m1:t*9"))
    #expect(
      scene.play("submit; succeed a; succeed b; resume; update tokens=100; resume; succeed d")
        == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1 | send a, send b
        succeed a > a running 1/1, a succeeded 1/1, c dispatched 1/1 | send c
        succeed b > b running 1/1, b succeeded 1/1, budget_exhausted, plan_paused
        resume > = BUDGET_EXHAUSTED
        update tokens=100 > plan_updated
        resume > plan_resumed, d dispatched 1/1 | send d
        succeed d > d running 1/1, d succeeded 1/1
        """)
    #expect(scene.machine.plan.pause == nil && scene.machine.plan.usage.tokens == 30)
    scene = try Scene("parallel=2 tokens=15 a b c d", pool: AdapterPool("mock/m1:t*9"))
    scene.play("submit; succeed a; succeed b; crash; succeed c")
    #expect(scene.state == "paused a:succeeded b:succeeded c:succeeded d:ready")
    let pause = try #require(scene.machine.plan.pause)
    #expect(pause.code == .budgetExhausted && pause.since == scene.now)
    #expect(pause.message == "20 tokens of the budget's 15 are used")
    let told = scene.events.first { $0.kind == .budgetExhausted }
    #expect(told?.code == "TOKENS" && told?.message == pause.message)
    #expect(scene.play("resume") == "resume > = BUDGET_EXHAUSTED", "after a restart, too")
    #expect(scene.play("cancel").contains("plan_cancelled") && scene.machine.plan.pause == nil)
  }

  @Test(
    "S15: attempts are counted at the hand-out and never go beyond; a plan that fits is not paused")
  func tasks() throws {
    var scene = try Scene("tasks=2 a b c", pool: AdapterPool("mock/m1:t*9"))
    #expect(
      scene.play("submit; succeed a; resume; update tasks=3; resume; succeed b; succeed c") == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1, budget_exhausted, \
        plan_paused | send a, send b
        succeed a > a running 1/1, a succeeded 1/1
        resume > = BUDGET_EXHAUSTED
        update tasks=3 > plan_updated
        resume > plan_resumed, c dispatched 1/1 | send c
        succeed b > b running 1/1, b succeeded 1/1
        succeed c > c running 1/1, c succeeded 1/1, plan_completed | ended
        """)
    #expect(scene.machine.plan.attempts == 3)
  }

  @Test("S15: retries count, other deliveries and refused hand-outs of an attempt do not")
  func attempts() throws {
    var scene = try Scene("tasks=2 a attempts=3 initial=1s")
    scene.play("submit; lose a; refuse a; fail a; wait 1s")
    #expect(scene.machine.plan.attempts == 2 && scene.state == "running a:dispatched")
    #expect(
      scene.play("fail a; wait 2s") == """
        fail a > a running 2/1, a retry_scheduled 2/1 +2000 TRANSIENT TEST
        wait 2s > budget_exhausted, plan_paused
        """)
  }

  @Test(
    "S15: a soft limit warns once, pauses where the plan asks for it, and again when it is moved")
  func soft() throws {
    var scene = try Scene("soft_tokens=15 a b<a c<b d<c")
    scene.play("submit; succeed a; succeed b; succeed c")
    #expect(scene.state.hasPrefix("running"))
    #expect(scene.events.filter { $0.kind == .budgetWarning }.map(\.code) == ["TOKENS"])
    scene = try Scene("soft_tokens=15 on_soft=pause a b<a c<b d<c")
    #expect(
      scene.play("submit; succeed a; succeed b; crash; resume; succeed c; update soft_tokens=35")
        == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        succeed a > a running 1/1, a succeeded 1/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, budget_warning, plan_paused
        crash > nothing
        resume > plan_resumed, c dispatched 1/1 | send c
        succeed c > c running 1/1, c succeeded 1/1, d dispatched 1/1 | send d
        update soft_tokens=35 > plan_updated
        """)
    scene.play("succeed d")
    #expect(scene.events.filter { $0.kind == .budgetWarning }.count == 2, "the moved limit")
    #expect(scene.machine.plan.status == .completed, "a plan that ends is not paused")
  }

  @Test("S15: with a pause at the soft limit no more attempts begin before somebody resumes")
  func softTasks() throws {
    var scene = try Scene("soft_tasks=2 tasks=3 on_soft=pause a b c d")
    #expect(
      scene.play("submit; resume; resume; update tasks=0; resume") == """
        submit > plan_created, plan_started, a dispatched 1/1, b dispatched 1/1, budget_warning, \
        plan_paused | send a, send b
        resume > plan_resumed, c dispatched 1/1, budget_exhausted, plan_paused | send c
        resume > = BUDGET_EXHAUSTED
        update tasks=0 > plan_updated
        resume > plan_resumed, d dispatched 1/1 | send d
        """)
  }

  @Test("S15: what a run reports counts at once, its result takes the place of that, never both")
  func reported() throws {
    var scene = try Scene("tokens=100 a b<a attempts=3 c<b")
    scene.play("submit; use a 30; use a 30; use a 20")
    #expect(scene.machine.plan.usage.tokens == 30 && scene.last.change == nil)
    scene.play("crash; use a 40")
    #expect(scene.machine.plan.usage.tokens == 40 && scene.machine.rows[0].usage.tokens == 40)
    scene.play("succeed a")
    #expect(scene.machine.plan.usage.tokens == 10 && scene.machine.plan.usage.calls == 1)
    scene.play("use a 50; use b 20; lose b; use b@1 30; use b 25; fail b silent")
    #expect(
      scene.machine.plan.usage.tokens == 35, "a result that says nothing leaves what was said")
    scene.play("wait 1s; use b 15; wait 10m")
    #expect(scene.machine.plan.usage.tokens == 50, "an attempt that timed out was paid for")
    #expect(scene.play("wait 2s; use b 50").hasSuffix("budget_exhausted, plan_paused"))
    #expect(scene.stored.plan == scene.machine.plan)
  }

  @Test("S15: a plan that somebody paused says so when its budget goes; RetryPlan needs it raised")
  func pausedAndFailed() throws {
    var scene = try Scene("tokens=10 a b<a")
    #expect(
      scene.play(
        "submit; pause; succeed a; pause; resume; update tokens=20; resume; fail b PERMANENT")
          == """
          submit > plan_created, plan_started, a dispatched 1/1 | send a
          pause > plan_paused
          succeed a > a running 1/1, a succeeded 1/1, budget_exhausted
          pause > nothing
          resume > = BUDGET_EXHAUSTED
          update tokens=20 > plan_updated
          resume > plan_resumed, b dispatched 1/1 | send b
          fail b PERMANENT > b running 1/1, b failed 1/1 PERMANENT TEST, plan_failed | ended
          """)
    #expect(
      scene.play("retry; update tokens=30; retry") == """
        retry > | ended = BUDGET_EXHAUSTED
        update tokens=30 > plan_updated | ended
        retry > plan_retried, b dispatched 2/1 | send b
        """)
  }
}
