import JSON
import Testing

@testable import Plan

/// The plan as people write it.
struct DocumentTests {
  private let full = #"""
    {"name":"briefing","owner":"ops","labels":{"a":"1","b":"2"},"metadata":{"k":"v"},
     "inputs":{"topic":"tea","n":1.50},"adapter":"crewai",
     "retry":{"max_attempts":4,"initial":"500ms","multiplier":1.5,"max":"2m","jitter":0.1},
     "timeouts":{"schedule_to_start":"1h","start_to_close":"90s","heartbeat":"20s"},
     "priority":5,"max_parallel":4,"deadline":"2h",
     "budget":{"tokens":1000,"soft_tokens":800,"tasks":9,"soft_tasks":8,"on_soft":"pause"},
     "tasks":[
       {"id":"facts","type":"agent","adapter":"langchain","depends_on":[],
        "payload":{"goal":"on ${{ inputs.topic }}","x":[1,2.0,null]},
        "retry":{"max_attempts":1,"initial":"0s"},"timeouts":{"start_to_close":"1500ms"},
        "priority":-5,"on_failure":"continue","max_deliveries":3,"metadata":{"script":"fail"}},
       {"id":"write","type":"prompt","depends_on":["facts"],"when":"inputs.n > 1",
        "output_schema":{"type":"object"}}]}
    """#

  @Test("reads every field")
  func reads() throws {
    let plan = try Plan(document: JSONValue(parsing: full))
    #expect(plan.name == "briefing" && plan.owner == "ops" && plan.adapter == "crewai")
    #expect(plan.labels == ["a": "1", "b": "2"] && plan.metadata == ["k": "v"])
    #expect(plan.inputs == Array(#"{"topic":"tea","n":1.50}"#.utf8))
    #expect(plan.priority == 5 && plan.maxParallel == 4)
    #expect(plan.retry.maxAttempts == 4 && plan.retry.initialDelayMilliseconds == 500)
    #expect(plan.retry.multiplier == 1.5 && plan.retry.jitter == 0.1)
    #expect(plan.retry.maxDelayMilliseconds == 120_000)
    #expect(plan.timeouts.scheduleToStartMilliseconds == 3_600_000)
    #expect(plan.timeouts.startToCloseMilliseconds == 90_000)
    #expect(plan.timeouts.heartbeatMilliseconds == 20_000)
    #expect(plan.deadline == .after(milliseconds: 7_200_000))
    let budget = try #require(plan.budget)
    #expect(budget.tokens == 1_000 && budget.softTokens == 800 && budget.pausesAtSoft)
    #expect(budget.tasks == 9 && budget.softTasks == 8)
    let facts = try #require(plan.tasks.first)
    #expect(facts.id == "facts" && facts.type == "agent" && facts.adapter == "langchain")
    let payload = #"{"goal":"on ${{ inputs.topic }}","x":[1,2.0,null]}"#
    #expect(facts.payload == Array(payload.utf8))
    #expect(facts.retry.maxAttempts == 1 && facts.retry.initialDelayMilliseconds == 0)
    #expect(facts.retry.multiplier == nil)
    #expect(facts.timeouts.startToCloseMilliseconds == 1_500)
    #expect(facts.timeouts.scheduleToStartMilliseconds == nil)
    #expect(facts.priority == -5 && facts.onFailure == .continue && facts.maxDeliveries == 3)
    #expect(facts.metadata == ["script": "fail"])
    #expect(plan.tasks[1].dependsOn == ["facts"] && plan.tasks[1].onFailure == .fail)
    #expect(facts.when == nil && plan.tasks[1].when == "inputs.n > 1")
    #expect(facts.outputSchema == nil)
    #expect(plan.tasks[1].outputSchema == Array(#"{"type":"object"}"#.utf8))
  }

  @Test("a deadline is a duration or a time, not both")
  func deadlines() throws {
    let time = try Plan(document: JSONValue(parsing: #"{"tasks":[],"deadline_ms":1790000000000}"#))
    #expect(time.deadline == .at(milliseconds: 1_790_000_000_000))
    #expect(try Plan(document: time.document) == time)
    #expect(throws: PlanProblems.self) {
      try Plan(document: JSONValue(parsing: #"{"tasks":[],"deadline":"1h","deadline_ms":1}"#))
    }
    #expect(throws: PlanProblems.self) {
      try Plan(document: JSONValue(parsing: #"{"tasks":[],"deadline_ms":"soon"}"#))
    }
  }

  @Test("what is left out, or null, keeps its default")
  func defaults() throws {
    let text =
      #"{"name":null,"inputs":null,"retry":null,"tasks":[{"id":"a","type":"t","payload":null}]}"#
    var expected = Plan()
    expected.tasks = [PlanTask("a")]
    #expect(try Plan(document: JSONValue(parsing: text)) == expected)
  }

  @Test("writing and reading gives the same plan")
  func roundTrip() throws {
    let plan = try Plan(document: JSONValue(parsing: full))
    #expect(try Plan(document: plan.document) == plan)
    let bytes = plan.document.bytes
    #expect(try Plan(document: JSONValue(parsing: bytes)).document.bytes == bytes)
    let least = Plan(["a": []])
    #expect(least.document.text == #"{"tasks":[{"id":"a","type":"t"}]}"#)
    #expect(try Plan(document: least.document) == least)
  }

  @Test("every kind of bad field is refused with its path")
  func badFields() throws {
    let cases: [(document: String, problem: String)] = [
      ("[]", "expected an object, not a list"),
      (#""x""#, "expected an object, not a string"),
      ("{}", "tasks: is missing"),
      (#"{"tasks":{}}"#, "tasks: expected a list, not an object"),
      (#"{"tasks":[],"name":1}"#, "name: expected a string, not a number"),
      (#"{"tasks":[],"owner":true}"#, "owner: expected a string, not true or false"),
      (#"{"tasks":[],"labels":[]}"#, "labels: expected an object, not a list"),
      (#"{"tasks":[],"labels":{"a":1}}"#, "labels.a: expected a string, not a number"),
      (#"{"tasks":[],"metadata":{"a":{}}}"#, "metadata.a: expected a string, not an object"),
      (#"{"tasks":[],"inputs":[1]}"#, "inputs: expected an object, not a list"),
      (#"{"tasks":[],"adapter":1}"#, "adapter: expected a string, not a number"),
      (#"{"tasks":[],"priority":"x"}"#, #"priority: expected a whole number, not "x""#),
      (#"{"tasks":[],"priority":1.5}"#, "priority: expected a whole number, not 1.5"),
      (
        #"{"tasks":[],"priority":2147483648}"#,
        "priority: expected a whole number, not 2147483648"
      ),
      (#"{"tasks":[],"max_parallel":[]}"#, "max_parallel: expected a whole number, not []"),
      (#"{"tasks":[],"retry":1}"#, "retry: expected an object, not a number"),
      (
        #"{"tasks":[],"retry":{"max_attempts":"3"}}"#,
        #"retry.max_attempts: expected a whole number, not "3""#
      ),
      (
        #"{"tasks":[],"retry":{"multiplier":"2"}}"#,
        #"retry.multiplier: expected a finite number, not "2""#
      ),
      (
        #"{"tasks":[],"retry":{"multiplier":1e999}}"#,
        "retry.multiplier: expected a finite number, not 1e999"
      ),
      (
        #"{"tasks":[],"retry":{"initial":5}}"#,
        "retry.initial: 5 is no duration; write a number and a unit, such as 500ms, 30s, 5m, 2h "
          + "or 30d"
      ),
      (#"{"tasks":[1]}"#, "tasks[0]: expected an object, not a number"),
      (#"{"tasks":[{"type":"t"}]}"#, "tasks[0].id: is missing"),
      (#"{"tasks":[{"id":"a"}]}"#, "tasks[0].type: is missing"),
      (
        #"{"tasks":[{"id":"a","type":"t","payload":"x"}]}"#,
        "tasks[0].payload: expected an object, not a string"
      ),
      (
        #"{"tasks":[{"id":"a","type":"t","depends_on":"x"}]}"#,
        "tasks[0].depends_on: expected a list, not a string"
      ),
      (
        #"{"tasks":[{"id":"a","type":"t","depends_on":["b",1]}]}"#,
        "tasks[0].depends_on[1]: expected a string, not a number"
      ),
      (
        #"{"tasks":[{"id":"a","type":"t"},{"id":"b","type":"t","on_failure":"ignore"}]}"#,
        #"tasks[1].on_failure: "ignore" is neither fail nor continue"#
      ),
      (
        #"{"tasks":[{"id":"a","type":"t","timeouts":{"start_to_close":{}}}]}"#,
        "tasks[0].timeouts.start_to_close: {} is no duration; write a number and a unit, such as "
          + "500ms, 30s, 5m, 2h or 30d"
      ),
    ]
    for (document, problem) in cases {
      #expect(try problems(document: document).map(\.description) == [problem])
    }
  }

  @Test("an unknown field is refused with what was probably meant")
  func unknownFields() throws {
    let cases: [(document: String, problem: String)] = [
      (#"{"tasks":[],"nam":"x"}"#, "nam: unknown field; did you mean name?"),
      (
        #"{"tasks":[{"id":"a","type":"t","dependson":[]}]}"#,
        "tasks[0].dependson: unknown field; did you mean depends_on?"
      ),
      (
        #"{"tasks":[],"retry":{"max_attempt":1}}"#,
        "retry.max_attempt: unknown field; did you mean max_attempts?"
      ),
      (
        #"{"tasks":[],"timeouts":{"zzz":1}}"#,
        "timeouts.zzz: unknown field; known here: schedule_to_start, start_to_close, heartbeat"
      ),
    ]
    for (document, problem) in cases {
      let found = try problems(document: document)
      #expect(found.map(\.description) == [problem])
      #expect(found.first?.reason == .unknownField)
    }
  }

  @Test("everything that is wrong is told at once, but no more than a hundred things")
  func allAtOnce() throws {
    let text = #"{"name":1,"tasks":[{"id":2,"type":3,"retry":{"jitter":"x"}},{"od":1}]}"#
    #expect(
      try problems(document: text).map(\.field) == [
        "name", "tasks[0].id", "tasks[0].type", "tasks[0].retry.jitter", "tasks[1].od",
        "tasks[1].id", "tasks[1].type",
      ])
    let many = (0..<500).map { "\"x\($0)\":1" }.joined(separator: ",")
    #expect(try problems(document: "{\"tasks\":[],\(many)}").count == 100)
  }

  @Test("a problem quotes nothing that a terminal would act on, and not megabytes")
  func quoting() throws {
    let found = try problems(document: #"{"tasks":[],"\u001b[2Jx":1,"priority":"\u0000"}"#)
    #expect(found.map(\.field) == ["\u{FFFD}[2Jx", "priority"])
    #expect(found.allSatisfy { !$0.description.utf8.contains { $0 < 0x20 } })
    let long = String(repeating: "é", count: 1_000_000)
    let problem = PlanProblem("x", .badField, long)
    #expect(problem.message.utf8.count < 7_000 && problem.message.hasSuffix("é…"))
  }
}

struct DurationTests {
  @Test("durations that are read")
  func reads() {
    let cases: [(text: String, milliseconds: Int64)] = [
      ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("30d", 2_592_000_000),
      ("1m30s", 90_000), ("1h0m1s", 3_601_000), ("1.5s", 1_500), ("0", 0), ("0s", 0),
      ("-5s", -5_000),
      ("3653d", 315_619_200_000),
    ]
    for (text, milliseconds) in cases {
      #expect(DurationText.milliseconds(text) == milliseconds, "\(text)")
    }
  }

  @Test(
    "texts that are no durations",
    arguments: [
      "", "-", "5", "s", "5 s", " 5s", "5S", "5sec", "5y", "1s30", "1.2.3s", ".", ".s", "1e3s",
      "--5s",
      "5s-3s", "infs", "nans", "0x5s", "٣s", "½s", "99999999999999999999d", "true",
    ])
  func refuses(_ text: String) {
    #expect(DurationText.milliseconds(text) == nil)
  }

  @Test("the written text reads back the same")
  func roundTrip() {
    let cases: [(milliseconds: Int64, text: String)] = [
      (0, "0ms"), (1, "1ms"), (999, "999ms"), (1_000, "1s"), (1_500, "1500ms"), (60_000, "1m"),
      (90_000, "90s"), (3_600_000, "1h"), (86_400_000, "1d"), (-5_000, "-5s"),
      (315_576_000_000, "87660h"),
    ]
    for (milliseconds, text) in cases {
      #expect(DurationText.text(milliseconds) == text)
      #expect(DurationText.milliseconds(text) == milliseconds)
    }
  }
}
