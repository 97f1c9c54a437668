import Testing

@testable import Plan

/// What a plan may be (contract sections 4 and 5), apart from its graph and its references.
struct ValidationTests {
  @Test("section 5: ids")
  func ids() {
    let good = ["a", "A9", "0", "a.b:c_d-e", String(repeating: "x", count: 255)]
    for id in good { #expect(refusals(Plan([id: []])) == [], "\(id)") }
    let bad = [
      "", ".a", "-a", "_a", ":a", "a b", "a/b", "a\n",
      "a\u{0}", "\u{1B}[2J", "é", "e\u{301}", "ａ",
      "a,b",
      "a'b", "${{", String(repeating: "x", count: 256),
    ]
    for id in bad {
      let found = problems(Plan([id: []]))
      #expect(found.map(\.field) == ["tasks[0].id"], "\(id)")
      #expect(found.first?.reason == .badID)
      #expect(found.first?.message.utf8.contains { $0 < 0x20 } == false)
    }
  }

  @Test("section 5: types, adapters and label names are ids too")
  func otherIDs() {
    var plan = Plan(["a": []])
    plan.adapter = "no adapter"
    plan.labels = ["ok": "", "not ok": "x"]
    plan.tasks[0].type = ""
    plan.tasks[0].adapter = "é"
    #expect(
      refusals(plan) == [
        "labels.not ok BAD_ID", "adapter BAD_ID", "tasks[0].type BAD_ID", "tasks[0].adapter BAD_ID",
      ])
  }

  @Test(
    "section 5: control characters in names, owners and labels, NUL anywhere",
    arguments: ["\u{0}", "\n", "\t", "\u{1B}", "\u{7F}", "\u{85}", "\u{9F}"])
  func controlCharacters(_ character: String) {
    var plan = Plan(["a": []])
    plan.name = "x\(character)y"
    plan.owner = character
    plan.labels = ["l": character]
    plan.metadata = ["m\(character)": "x", "n": "\u{0}", "o": "line\nbreaks are text"]
    plan.tasks[0].metadata = ["p\(character)": "x"]
    #expect(
      problems(plan).map(\.reason) == Array(repeating: PlanProblem.Reason.badText, count: 6))
    plan = Plan(["a": []])
    plan.name = "Ünïcode 😀"
    #expect(refusals(plan) == [])
    plan.name = String(repeating: "x", count: 256)
    #expect(refusals(plan) == ["name BAD_TEXT"])
  }

  @Test("section 5: retry ranges, of the plan and of a task")
  func retryRanges() {
    var good: [RetryOptions] = []
    var bad: [(field: String, retry: RetryOptions)] = []
    for attempts: Int32 in [1, 100] { good.append(RetryOptions { $0.maxAttempts = attempts }) }
    for attempts: Int32 in [0, -1, 101, .min, .max] {
      bad.append(("max_attempts", RetryOptions { $0.maxAttempts = attempts }))
    }
    for factor in [1.0, 1.5, 1e308] { good.append(RetryOptions { $0.multiplier = factor }) }
    for factor in [Double.nan, .infinity, -.infinity, 0, 0.99, -1] {
      bad.append(("multiplier", RetryOptions { $0.multiplier = factor }))
    }
    for jitter in [0.0, 0.5, 1] { good.append(RetryOptions { $0.jitter = jitter }) }
    for jitter in [Double.nan, .infinity, -0.01, 1.01] {
      bad.append(("jitter", RetryOptions { $0.jitter = jitter }))
    }
    let tenYears: Int64 = 315_576_000_000
    for delay in [0, 1, tenYears] {
      good.append(RetryOptions { $0.initialDelayMilliseconds = delay })
      good.append(RetryOptions { $0.maxDelayMilliseconds = delay })
    }
    for delay in [-1, tenYears + 1, .min, .max] {
      bad.append(("initial", RetryOptions { $0.initialDelayMilliseconds = delay }))
      bad.append(("max", RetryOptions { $0.maxDelayMilliseconds = delay }))
    }
    for retry in good {
      var plan = Plan(["a": []])
      plan.retry = retry
      plan.tasks[0].retry = retry
      #expect(refusals(plan) == [], "\(retry)")
    }
    for (field, retry) in bad {
      var plan = Plan(["a": []])
      plan.retry = retry
      plan.tasks[0].retry = retry
      #expect(
        refusals(plan) == ["retry.\(field) OUT_OF_RANGE", "tasks[0].retry.\(field) OUT_OF_RANGE"],
        "\(retry)")
    }
  }

  @Test("section 5: timeouts are longer than nothing and at most ten years")
  func timeoutRanges() {
    for (milliseconds, isGood): (Int64, Bool) in [
      (1, true), (315_576_000_000, true), (0, false), (-1, false), (315_576_000_001, false),
      (.max, false), (.min, false),
    ] {
      var plan = Plan(["a": []])
      plan.timeouts.scheduleToStartMilliseconds = milliseconds
      plan.timeouts.startToCloseMilliseconds = milliseconds
      plan.timeouts.heartbeatMilliseconds = milliseconds
      plan.tasks[0].timeouts = plan.timeouts
      let expected = [
        "timeouts.schedule_to_start OUT_OF_RANGE", "timeouts.start_to_close OUT_OF_RANGE",
        "timeouts.heartbeat OUT_OF_RANGE",
        "tasks[0].timeouts.schedule_to_start OUT_OF_RANGE",
        "tasks[0].timeouts.start_to_close OUT_OF_RANGE",
        "tasks[0].timeouts.heartbeat OUT_OF_RANGE",
      ]
      #expect(refusals(plan) == (isGood ? [] : expected), "\(milliseconds)")
    }
  }

  @Test("budgets: limits above nothing in a plan, none below it in a change")
  func budgets() {
    var plan = Plan(["a": []])
    plan.budget = Budget()
    plan.budget?.tokens = 0
    plan.budget?.softTasks = -1
    #expect(refusals(plan) == ["budget.tokens OUT_OF_RANGE", "budget.soft_tasks OUT_OF_RANGE"])
    var update = PlanUpdate()
    update.budget.tokens = 0
    #expect(throws: Never.self) { try update.check(limits: PlanLimits()) }
    update.budget.tasks = -1
    #expect(throws: PlanProblems.self) { try update.check(limits: PlanLimits()) }
  }

  @Test("section 5: deadlines, of a plan and of a change")
  func deadlineRanges() {
    for (deadline, isGood): (Deadline, Bool) in [
      (.after(milliseconds: 1), true), (.after(milliseconds: 0), false),
      (.after(milliseconds: .max), false), (.at(milliseconds: 0), true),
      (.at(milliseconds: -1), false), (.at(milliseconds: .max), false),
    ] {
      var plan = Plan(["a": []])
      plan.deadline = deadline
      #expect(refusals(plan).isEmpty == isGood, "\(deadline)")
      var update = PlanUpdate()
      update.deadline = .set(deadline)
      let isTaken = (try? update.check(limits: PlanLimits())) != nil
      #expect(isTaken == isGood, "\(deadline)")
    }
    var update = PlanUpdate()
    update.priority = 1_001
    update.setLabels = ["no key": "x"]
    #expect(throws: PlanProblems.self) { try update.check(limits: PlanLimits()) }
  }

  @Test("an approval says what it asks for")
  func approvals() {
    var plan = Plan(["a": []])
    plan.tasks[0].type = PlanTask.approvalType
    #expect(refusals(plan) == ["tasks[0].payload.prompt BAD_FIELD"])
    plan.tasks[0].payload = Array(#"{"prompt":"Send it?"}"#.utf8)
    #expect(refusals(plan) == [])
  }

  @Test("priorities, max_parallel and max_deliveries")
  func otherRanges() {
    var plan = Plan(["a": []])
    plan.priority = 1_000
    plan.tasks[0].priority = -1_000
    plan.maxParallel = 1
    plan.tasks[0].maxDeliveries = 1
    #expect(refusals(plan) == [])
    plan.priority = .min
    plan.tasks[0].priority = 1_001
    plan.maxParallel = 0
    plan.tasks[0].maxDeliveries = 0
    #expect(
      refusals(plan) == [
        "priority OUT_OF_RANGE", "max_parallel OUT_OF_RANGE", "tasks[0].priority OUT_OF_RANGE",
        "tasks[0].max_deliveries OUT_OF_RANGE",
      ])
  }

  @Test("section 5: a plan that is too large is refused as such, before anything else is looked at")
  func sizes() {
    #expect(refusals(Plan()) == ["tasks NO_TASKS"])
    var plan = Plan()
    plan.tasks = (0...20_000).map { _ in PlanTask("") }
    #expect(refusals(plan) == ["tasks TOO_MANY_TASKS"])
    plan = Plan(["a": []])
    plan.tasks[0].dependsOn = Array(repeating: "b", count: 200_001)
    #expect(refusals(plan) == ["tasks TOO_MANY_EDGES"])
    plan = Plan(["a": []])
    plan.inputs = Array(repeating: 0x20, count: 2 << 20) + Array("{}".utf8)
    plan.tasks[0].payload = plan.inputs
    #expect(refusals(plan) == ["inputs TOO_LARGE", "tasks[0].payload TOO_LARGE"])
    #expect(problems(plan).allSatisfy { $0.reason.isLimit && $0.message.contains("2097152") })
    plan.inputs.removeFirst(2)
    plan.tasks[0].payload = plan.inputs
    #expect(refusals(plan) == [])
  }

  @Test("section 5: payloads and inputs are JSON objects, at most 64 deep")
  func payloads() {
    let cases: [(json: String, reason: String?)] = [
      ("{}", nil), (#" {"a":[1]} "#, nil), ("", "BAD_JSON"), ("[]", "BAD_JSON"), ("1", "BAD_JSON"),
      ("{} {}", "BAD_JSON"), (#"{"a":"\ud800"}"#, "BAD_JSON"), ("{\"a\":\"\u{0}\"}", "BAD_JSON"),
      (#"{"a":}"#, "BAD_JSON"), (Self.nested(64), nil), (Self.nested(65), "TOO_DEEP"),
      (Self.nested(1_000_000 / 5), "TOO_DEEP"),
    ]
    for (json, reason) in cases {
      var plan = Plan(["a": []])
      plan.inputs = Array(json.utf8)
      plan.tasks[0].payload = plan.inputs
      let expected = reason.map { ["inputs \($0)", "tasks[0].payload \($0)"] } ?? []
      #expect(refusals(plan) == expected, "\(json.prefix(40))")
    }
    var plan = Plan(["a": []])
    plan.tasks[0].payload = Array(#"{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
    #expect(refusals(plan) == ["tasks[0].payload BAD_JSON"])
  }

  /// An object that nests `levels` deep.
  private static func nested(_ levels: Int) -> String {
    String(repeating: #"{"a":"#, count: levels - 1) + "{}"
      + String(repeating: "}", count: levels - 1)
  }

  @Test("everything that is wrong is told at once, but no more than a hundred things")
  func allAtOnce() {
    var plan = Plan(["a b": ["x"], "c": ["c"], "d": [], "d ": []])
    plan.retry.jitter = 2
    plan.tasks[2].payload = Array("[]".utf8)
    #expect(
      refusals(plan) == [
        "retry.jitter OUT_OF_RANGE", "tasks[0].id BAD_ID", "tasks[3].id BAD_ID",
        "tasks[0].depends_on[0] UNKNOWN_DEPENDENCY", "tasks[1].depends_on[0] SELF_DEPENDENCY",
        "tasks[2].payload BAD_JSON",
      ])
    plan.tasks = (0..<500).map { PlanTask("bad id \($0)") }
    #expect(problems(plan).count == 100)
  }
}

extension RetryOptions {
  fileprivate init(_ change: (inout RetryOptions) -> Void) {
    self.init()
    change(&self)
  }
}
