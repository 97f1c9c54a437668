import Plan
import Testing

@testable import Engine

/// `type: plan`: a task whose attempts are plans of their own.
struct SubPlanTests {
  @Test("a task of type plan is DELEGATED to a plan, whose end is its result")
  func runs() throws {
    var scene = try Scene("p type=plan b<p")
    #expect(
      scene.play("submit; end p; succeed b") == """
        submit > plan_created, plan_started, p dispatched 1/1, p running 1/1 | begin p
        end p > p succeeded 1/1, b dispatched 1/1 | send b
        succeed b > b running 1/1, b succeeded 1/1, plan_completed | ended
        """)
  }

  @Test("both plans' events name the other one")
  func events() throws {
    var scene = try Scene("p type=plan attempts=2 initial=1s")
    scene.play("submit")
    let id = try #require(scene.machine.rows[0].subPlan)
    #expect(scene.machine.rows[0].handle == "\(id)")
    let told = scene.machine.draft.events.filter { $0.taskID == "p" }
    #expect(told.map(\.kind) == [.taskDispatched, .taskRunning])
    #expect(told.allSatisfy { $0.relatedPlanID == id })
    scene.play("endfail p TRANSIENT")
    #expect(scene.machine.draft.events.map(\.relatedPlanID) == [id])
    var creation = scene.machine.creation
    creation.parent = ParentTask(
      key: IdempotencyKey(planID: id, taskID: "q", index: 2), attempt: 3)
    var child = PlanMachine(
      id: PlanID(unixMilliseconds: 9, randomness: (0, 0)), compiled: scene.machine.compiled,
      creation: creation)
    var entropy = Entropy(seed: 1)
    var pool = AdapterPool("mock/m1:t*1")
    let decision = child.apply(.submitted, now: 1, entropy: &entropy, pool: &pool)
    let created = try #require(decision.change?.events.first)
    #expect(created.kind == .planCreated && created.relatedPlanID == id)
    #expect(created.message == "of task \"q\" of plan \(id)")
  }

  @Test("a failed sub-plan is retried as the policy says, each time with a new plan")
  func retries() throws {
    var scene = try Scene("p type=plan attempts=2")
    scene.play("submit")
    let first = try #require(scene.machine.rows[0].subPlan)
    #expect(
      scene.play("endfail p TRANSIENT") == """
        endfail p TRANSIENT > p retry_scheduled 1/1 +1000 TRANSIENT TEST
        """)
    #expect(scene.play("wait 1s") == "wait 1s > p dispatched 2/1, p running 2/1 | begin p")
    let second = try #require(scene.machine.rows[0].subPlan)
    #expect(first != second)
    #expect(
      scene.play("end p@1; endfail p PERMANENT") == """
        end p@1 > nothing
        endfail p PERMANENT > p failed 2/1 PERMANENT TEST, plan_failed | ended
        """)
    #expect(
      scene.play("retry; end p").hasPrefix(
        "retry > plan_retried, p dispatched 3/1, p running 3/1 | begin p"))
    #expect(scene.machine.plan.status == .completed)
  }

  @Test("S7: pause, resume, cancel and deadline are told to sub-plans in the same commit")
  func follows() throws {
    var scene = try Scene("deadline=1h p type=plan q type=plan")
    scene.play("submit")
    #expect(
      scene.play("pause; resume; cancel") == """
        pause > plan_paused tell p pause tell q pause
        resume > plan_resumed tell p resume tell q resume
        cancel > p cancelled 1/1, q cancelled 1/1, plan_cancelled | ended tell p cancel tell q cancel
        """)
    scene = try Scene("deadline=1h p type=plan")
    scene.play("submit")
    #expect(
      scene.play("wait 1h").hasSuffix("plan_failed | ended tell p cancel"))
  }

  @Test("start_to_close holds only where the task itself sets it, and ends the sub-plan")
  func timeout() throws {
    var scene = try Scene("p type=plan close=1m attempts=1 q type=plan")
    scene.play("submit")
    #expect(scene.play("wait 1m").contains("p failed 1/1 TIMEOUT START_TO_CLOSE"))
    #expect(scene.play("wait 10h") == "wait 10h > nothing")
    #expect(scene.state == "running p:failed q:delegated")
  }

  @Test("as many sub-plans are under way as the plan's max_parallel says, after a load too")
  func bounded() throws {
    var scene = try Scene("parallel=1 p type=plan q type=plan")
    #expect(
      scene.play("submit; wait 2h; crash; end p; end q") == """
        submit > plan_created, plan_started, p dispatched 1/1, p running 1/1 | begin p
        wait 2h > nothing
        crash > | find p
        end p > p succeeded 1/1, q dispatched 1/1, q running 1/1 | begin q
        end q > q succeeded 1/1, plan_completed | ended
        """)
  }

  @Test("results of adapters are refused, and a sub-plan cannot be retried on its own")
  func refusals() throws {
    var scene = try Scene("p type=plan attempts=1")
    #expect(scene.play("submit; succeed p").hasSuffix("succeed p > = UNKNOWN_TOKEN"))
    scene.play("endfail p PERMANENT")
    var creation = scene.machine.creation
    creation.parent = ParentTask(
      key: IdempotencyKey(planID: scene.machine.id, taskID: "p"), attempt: 1)
    var stored = scene.stored
    stored.creation = creation
    var child = PlanMachine(stored: stored, compiled: scene.machine.compiled)
    var entropy = Entropy(seed: 1)
    var pool = AdapterPool("mock/m1:t*1")
    let decision = child.apply(.retry(reason: ""), now: 1, entropy: &entropy, pool: &pool)
    #expect(decision.answer == .refused(.isSubPlan) && decision.change == nil)
  }

  @Test("a mapped task runs a plan for each element")
  func mapped() throws {
    var scene = try Scene("p type=plan map=1")
    #expect(
      scene.play("submit; expand p 2; end p[0]; end p[1]") == """
        submit > plan_created, plan_started ? p
        expand p 2 > p expanded 2, p[0] dispatched 1/1, p[0] running 1/1 | begin p[0]
        end p[0] > p[0] succeeded 1/1, p[1] dispatched 1/1, p[1] running 1/1 | begin p[1]
        end p[1] > p[1] succeeded 1/1, p succeeded, plan_completed | ended
        """)
  }
}
