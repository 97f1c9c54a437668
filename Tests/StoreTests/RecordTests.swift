import Plan
import Store
import StoreConformance
import Testing

struct RecordTests {
  @Test func eventsLeaveOutWhatIsEmpty() throws {
    var event = TraceEvent(seq: 5, time: 17, kind: .taskDispatched)
    event.taskID = "a"
    event.attempt = 1
    let json = EventRecord.encode([TraceEvent(seq: 4, time: 16, kind: .planStarted), event])
    #expect(
      String(decoding: json, as: UTF8.self) == """
        [{"time":16,"kind":"plan_started"},\
        {"time":17,"kind":"task_dispatched","task":"a","attempt":1}]
        """)
    #expect(try EventRecord.decode(json, lastSeq: 5).map(\.seq) == [4, 5])
  }

  @Test(arguments: [
    "", "{}", "[1]", "[{\"kind\":\"unheard_of\"}]",
    "[{\"kind\":\"task_failed\",\"class\":\"ODD\"}]",
  ])
  func eventsThatCannotBeReadAreCorrupt(_ text: String) {
    let error = #expect(throws: StoreError.self) {
      try EventRecord.decode(Array(text.utf8), lastSeq: 1)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func definitionsKeepPayloadsByteForByte() throws {
    var plan = Plan()
    plan.inputs = Array(" {\"a\" : 1}\n".utf8)
    plan.tasks = ["{}", "{ }", "{\"a\":1,\"a\":2}", ""].enumerated().map { index, payload in
      var task = PlanTask()
      task.id = "t\(index)"
      task.type = "prompt"
      task.payload = Array(payload.utf8)
      return task
    }
    let record = DefinitionRecord(plan, PlanDefaults())
    #expect(try record.decoded().plan == plan)
    #expect(try record.decoded().defaults == PlanDefaults())
  }

  @Test func definitionsWithMissingBytesAreCorrupt() {
    var plan = Plan()
    plan.inputs = Array("{\"a\":1}".utf8)
    var record = DefinitionRecord(plan, PlanDefaults())
    record.payloads.removeLast()
    let short = #expect(throws: StoreError.self) { try record.decoded() }
    #expect(short?.code == .corrupt)
    record.document = Array("{}".utf8)
    let empty = #expect(throws: StoreError.self) { try record.decoded() }
    #expect(empty?.code == .corrupt)
  }

  @Test func acceptedResultsAre44BytesEach() throws {
    let digest = try #require(Digest(Array(0..<32)))
    let results = [
      AcceptedResult(attempt: .max, token: .min, digest: digest),
      AcceptedResult(attempt: 1, token: 2, digest: digest),
    ]
    let bytes = AcceptedRecord.encode(results)
    #expect(bytes.count == 88)
    #expect(try AcceptedRecord.decode(bytes) == results)
    #expect(throws: StoreError.self) { try AcceptedRecord.decode(Array(bytes.dropLast())) }
  }

  @Test func labelsAreOneObject() throws {
    let labels = ["b": "2", "a": "\"1\"", "": ""]
    let json = LabelRecord.encode(labels)
    #expect(String(decoding: json, as: UTF8.self) == #"{"":"","a":"\"1\"","b":"2"}"#)
    #expect(try LabelRecord.decode(json) == labels)
    for text in ["", "[]", "{\"a\":1}"] {
      let error = #expect(throws: StoreError.self) { try LabelRecord.decode(Array(text.utf8)) }
      #expect(error?.code == .corrupt)
    }
  }
}

struct FilterTests {
  struct Case: Sendable {
    var expected: Bool
    var filter = PlanFilter()

    init(_ expected: Bool, _ set: (inout PlanFilter) -> Void) {
      self.expected = expected
      set(&filter)
    }
  }

  private var summary: PlanSummary {
    var row = PlanRow()
    row.status = .running
    row.createdAt = 100
    return PlanSummary(
      planID: PlanID(high: 1, low: 1), namespace: "default", name: "briefing", owner: "ann",
      labels: ["team": "\u{E9}"], taskCount: 1, plan: row)
  }

  @Test(arguments: [
    Case(true) { _ in },
    Case(true) { $0.namespace = "default" },
    Case(false) { $0.namespace = "Default" },
    Case(true) { $0.statuses = [.running, .failed] },
    Case(false) { $0.statuses = [.failed] },
    Case(true) { $0.owner = "ann" },
    Case(false) { $0.owner = "an" },
    Case(true) { $0.namePrefix = "brief" },
    Case(false) { $0.namePrefix = "riefing" },
    Case(true) { $0.labels = ["team": "\u{E9}"] },
    Case(false) { $0.labels = ["team": "e\u{301}"] },
    Case(false) { $0.labels = ["team": "\u{E9}", "env": "a"] },
    Case(true) { $0.createdAfter = 99 },
    Case(false) { $0.createdAfter = 100 },
    Case(true) { $0.createdBefore = 101 },
    Case(false) { $0.createdBefore = 100 },
  ])
  func matches(_ example: Case) {
    #expect(example.filter.matches(summary) == example.expected)
  }
}
