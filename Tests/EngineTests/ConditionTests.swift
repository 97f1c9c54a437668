import Plan
import Testing

@testable import Engine

/// `when:`: asked once everything upstream has ended well, answered from outside.
struct ConditionTests {
  @Test("ExplainPlan: a task whose condition is being evaluated says so")
  func explained() throws {
    var scene = try Scene("a b<a gated")
    scene.play("submit")
    #expect(scene.machine.wait(of: 1, scene.pool, now: scene.now) == .dependencies)
    scene.play("succeed a")
    #expect(scene.machine.wait(of: 1, scene.pool, now: scene.now) == .condition)
    scene.play("run b")
    #expect(scene.machine.wait(of: 1, scene.pool, now: scene.now) == .start)
  }

  @Test("a task with a condition is asked about first, and handed out in the same breath")
  func run() throws {
    var scene = try Scene("a b<a gated")
    #expect(
      scene.play("submit; succeed a; run b; succeed b") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        succeed a > a running 1/1, a succeeded 1/1 ? b
        run b > b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, plan_completed | ended
        """)
  }

  @Test("false: SKIPPED with CONDITION_FALSE; dependents run, and branches join")
  func skip() throws {
    var scene = try Scene("a yes<a gated no<a gated join<yes,no")
    #expect(
      scene.play("submit; succeed a; skip no; run yes; succeed yes; succeed join") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        succeed a > a running 1/1, a succeeded 1/1 ? yes, no
        skip no > no skipped PERMANENT CONDITION_FALSE
        run yes > yes dispatched 1/1 | send yes
        succeed yes > yes running 1/1, yes succeeded 1/1, join dispatched 1/1 | send join
        succeed join > join running 1/1, join succeeded 1/1, plan_completed | ended
        """)
    #expect(scene.state == "completed a:succeeded yes:succeeded no:skipped join:succeeded")
  }

  @Test("a plan whose every task is skipped by its condition is completed")
  func allSkipped() throws {
    var scene = try Scene("a gated b<a")
    #expect(
      scene.play("submit; skip a; succeed b") == """
        submit > plan_created, plan_started ? a
        skip a > a skipped PERMANENT CONDITION_FALSE, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, plan_completed | ended
        """)
    var single = try Scene("a gated")
    #expect(
      single.play("submit; skip a").hasSuffix(
        "a skipped PERMANENT CONDITION_FALSE, plan_completed | ended"))
  }

  @Test("S6: what is skipped for a failure upstream is not asked, and neither is what follows")
  func upstreamFailure() throws {
    var scene = try Scene("a b<a gated c<b gated")
    #expect(
      scene.play("submit; fail a PERMANENT; run b").hasSuffix(
        """
        a failed 1/1 PERMANENT TEST, b skipped PERMANENT UPSTREAM_FAILED, \
        c skipped PERMANENT UPSTREAM_FAILED, plan_failed | ended
        run b > nothing
        """))
  }

  @Test("no answer: the task fails PERMANENT with CONDITION_ERROR, by its own on_failure")
  func noAnswer() throws {
    var scene = try Scene("a gated b<a")
    #expect(
      scene.play("submit; break a").hasSuffix(
        """
        a failed PERMANENT CONDITION_ERROR, b skipped PERMANENT UPSTREAM_FAILED, \
        plan_failed | ended
        """))
    var second = try Scene("a gated continue b<a")
    #expect(
      second.play("submit; break a").hasSuffix(
        "a failed PERMANENT CONDITION_ERROR, b dispatched 1/1 | send b"))
  }

  @Test("an answer counts once, and only while it is waited for")
  func onlyOnce() throws {
    var scene = try Scene("a b<a gated c")
    #expect(
      scene.play("submit; run b; succeed a; run b; skip b; run b; run c; run #9; pause; skip b")
        == """
        submit > plan_created, plan_started, a dispatched 1/1, c dispatched 1/1 | send a, send c
        run b > nothing
        succeed a > a running 1/1, a succeeded 1/1 ? b
        run b > b dispatched 1/1 | send b
        skip b > nothing
        run b > nothing
        run c > nothing
        run #9 > nothing
        pause > plan_paused
        skip b > nothing
        """)
  }

  @Test("RetryPlan asks again, before and after a crash")
  func retryPlan() throws {
    for then in ["fail a", "fail a; crash"] {
      var scene = try Scene("a attempts=1 b<a gated c gated d gated")
      scene.play("submit; skip d; break c; \(then)")
      #expect(scene.state == "failed a:failed b:skipped c:failed d:skipped")
      #expect(
        scene.play("retry; run c; succeed a; run b; run d") == """
          retry > plan_retried, a dispatched 2/1 | send a ? c
          run c > c dispatched 1/1 | send c
          succeed a > a running 2/1, a succeeded 2/1 ? b
          run b > b dispatched 1/1 | send b
          run d > nothing
          """)
    }
  }

  @Test("after a crash it is asked again, and what was decided is not")
  func crash() throws {
    var scene = try Scene("a gated b gated c<b")
    #expect(
      scene.play("submit; skip b; crash; run b; run a") == """
        submit > plan_created, plan_started ? a, b
        skip b > b skipped PERMANENT CONDITION_FALSE, c dispatched 1/1 | send c
        crash > | send c again ? a
        run b > nothing
        run a > a dispatched 1/1 | send a
        """)
  }

  @Test("S7: while paused it may be decided, but nothing is handed out; a cancel ends it")
  func steering() throws {
    var scene = try Scene("a b<a gated")
    #expect(
      scene.play("submit; pause; succeed a; run b; resume; cancel; run b") == """
        submit > plan_created, plan_started, a dispatched 1/1 | send a
        pause > plan_paused
        succeed a > a running 1/1, a succeeded 1/1 ? b
        run b > nothing
        resume > plan_resumed, b dispatched 1/1 | send b
        cancel > b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
        run b > nothing
        """)
  }

  @Test("S10: schedule_to_start runs from the moment upstream ended, whenever the answer comes")
  func timer() throws {
    var scene = try Scene("a b<a gated start=5s", pool: AdapterPool("mock/m1:t*1"))
    scene.play("submit; succeed a; remove m1; wait 3s; run b")
    #expect(
      scene.play("wait 2s")
        == "wait 2s > b failed TIMEOUT SCHEDULE_TO_START, plan_failed | ended")
  }

  @Test("answers come in chunks as large as the asker likes")
  func bulk() throws {
    var text = "a"
    for index in 0..<2_000 { text += " t\(index)<a gated" }
    var scene = try Scene(text)
    scene.play("submit; succeed a")
    #expect(scene.last.questions.count == 2_000)
    let asked = scene.last.questions
    for chunk in stride(from: 0, to: asked.count, by: 512) {
      let part = asked[chunk..<min(chunk + 512, asked.count)]
      scene.send(.decided(part.map { Verdict(ordinal: $0, .skip) }))
      #expect(scene.last.change?.tasks.count == part.count)
    }
    #expect(scene.machine.plan.status == .completed)
  }
}
